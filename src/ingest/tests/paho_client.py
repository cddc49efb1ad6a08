"""A roof made of paho-mqtt, for tests/clients.rs: publishes, subscribes, leaves a will.

Arguments: port, gateway, token. Exit status 0 when everything was as it should be.
"""

import sys
import threading

import paho.mqtt.client as mqtt

port, gateway, token = int(sys.argv[1]), sys.argv[2], sys.argv[3]
base = "commonwatt/v1/" + gateway


def payload(boot, seq):
    return (
        '{"boot":%d,"seq":%d,"now":"2026-06-21T12:00:00Z","clock":"S","reads":['
        '{"meter":"%s","register":"2.8.0","t":"2026-06-21T11:59:50Z","wh":%d,"w":-5}]}'
        % (boot, seq, gateway, 1000 + seq)
    )


def run(protocol, boot):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="paho", protocol=protocol)
    client.username_pw_set(gateway, token)
    client.will_set(base + "/status", "gone", qos=1, retain=True)
    connected, granted, receipted = threading.Event(), [], threading.Event()
    wanted = '{"boot":%d,"upto":60,"also":[]}' % boot

    def on_connect(client, _data, _flags, reason, _properties):
        assert reason == 0, reason
        client.subscribe([(base + "/receipt", 1), ("#", 0)])

    def on_subscribe(_client, _data, _id, reasons, _properties):
        granted.extend(reasons)
        connected.set()

    def on_message(_client, _data, message):
        assert message.topic == base + "/receipt", message.topic
        if wanted in message.payload.decode():
            receipted.set()

    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    client.connect("127.0.0.1", port, keepalive=5)
    client.loop_start()
    assert connected.wait(10), "no SUBACK"
    assert granted[0] == 0 and granted[1] >= 0x80, granted
    sent = [client.publish(base + "/reads", payload(boot, n), qos=1 + n % 2) for n in range(1, 61)]
    for message in sent:
        message.wait_for_publish(10)
        assert message.is_published(), "no acknowledgement"
    assert receipted.wait(10), "no receipt"
    # Break the connection without DISCONNECT, so that the will is due.
    client.loop_stop()
    client.socket().close()


run(mqtt.MQTTv311, 3)
run(mqtt.MQTTv5, 5)
