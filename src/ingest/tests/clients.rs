//! Ordinary clients at the endpoint: rumqttc in both versions, mosquitto's tools, paho-mqtt.

use std::{
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use rumqttc::{mqttbytes, v5};

use crate::stage::{GATEWAYS, Stage, TOKEN, payload, reads_topic};

const MESSAGES: u64 = 200;

#[test]
fn rumqttc_3_1_1_is_acknowledged_and_gets_its_receipt() {
    let stage = Stage::new();
    let gateway = GATEWAYS[0];
    let mut options = rumqttc::MqttOptions::new("roof", "127.0.0.1", stage.address().port());
    options
        .set_credentials(gateway, TOKEN)
        .set_keep_alive(Duration::from_secs(5));
    let (client, mut connection) = rumqttc::Client::new(options, 300);
    client
        .subscribe(
            format!("commonwatt/v1/{gateway}/receipt"),
            rumqttc::QoS::AtLeastOnce,
        )
        .unwrap();
    for seq in 1..=MESSAGES {
        let qos = if seq % 2 == 0 {
            rumqttc::QoS::AtLeastOnce
        } else {
            rumqttc::QoS::ExactlyOnce
        };
        client
            .publish(reads_topic(gateway), qos, false, payload(gateway, 3, seq))
            .unwrap();
    }
    let wanted = format!(r#"{{"boot":3,"upto":{MESSAGES},"also":[]}}"#);
    let mut acks = 0;
    for event in connection.iter() {
        match event.expect("the connection stands") {
            rumqttc::Event::Incoming(rumqttc::Packet::PubAck(_) | rumqttc::Packet::PubComp(_)) => {
                acks += 1;
            }
            rumqttc::Event::Incoming(rumqttc::Packet::SubAck(answer)) => {
                let granted = rumqttc::SubscribeReasonCode::Success(rumqttc::QoS::AtMostOnce);
                assert_eq!(answer.return_codes, [granted]);
            }
            rumqttc::Event::Incoming(rumqttc::Packet::Publish(p)) => {
                let text = String::from_utf8_lossy(&p.payload).into_owned();
                if text.contains(&wanted) && acks == MESSAGES {
                    break;
                }
            }
            _ => {}
        }
    }
    assert_eq!(stage.sequences(gateway, 3).len() as u64, MESSAGES);
}

#[test]
fn rumqttc_5_is_acknowledged_and_hears_why_not() {
    let stage = Stage::new();
    let gateway = GATEWAYS[0];
    let port = stage.address().port();
    let mut options = v5::MqttOptions::new("roof", "127.0.0.1", port);
    options
        .set_credentials(gateway, TOKEN)
        .set_keep_alive(Duration::from_secs(5));
    let (client, mut connection) = v5::Client::new(options, 300);
    let qos = v5::mqttbytes::QoS::AtLeastOnce;
    for seq in 1..=MESSAGES {
        client
            .publish(reads_topic(gateway), qos, false, payload(gateway, 3, seq))
            .unwrap();
    }
    client
        .publish(reads_topic(GATEWAYS[1]), qos, false, "x")
        .unwrap();
    let (mut acks, mut refused) = (0, 0);
    for event in connection.iter() {
        // This client treats a refusing PUBACK as an error of the connection.
        match event {
            Ok(v5::Event::Incoming(v5::Incoming::PubAck(ack))) => {
                let success = ack.reason == v5::mqttbytes::v5::PubAckReason::Success;
                acks += u64::from(success);
                refused += u64::from(!success);
            }
            Ok(_) => {}
            Err(error) => {
                assert!(error.to_string().contains("NotAuthorized"), "{error}");
                refused += 1;
            }
        }
        if acks == MESSAGES && refused == 1 {
            break;
        }
    }
    assert_eq!(stage.sequences(gateway, 3).len() as u64, MESSAGES);
    assert_eq!(stage.journaled().len() as u64, MESSAGES);
}

#[test]
fn rumqttc_reports_a_wrong_token() {
    let stage = Stage::new();
    let mut options = rumqttc::MqttOptions::new("roof", "127.0.0.1", stage.address().port());
    options.set_credentials(GATEWAYS[0], "not-the-token-but-long-enough");
    let (_client, mut connection) = rumqttc::Client::new(options, 10);
    let error = connection.iter().next().unwrap().unwrap_err();
    let code = mqttbytes::v4::ConnectReturnCode::BadUserNamePassword;
    assert!(
        matches!(error, rumqttc::ConnectionError::ConnectionRefused(c) if c == code),
        "{error}"
    );
}

fn mosquitto(tool: &str, stage: &Stage, gateway: &str, more: &[&str]) -> Output {
    let port = stage.address().port().to_string();
    Command::new(tool)
        .args(["-h", "127.0.0.1", "-p", &port, "-u", gateway, "-P", TOKEN])
        .args(more)
        .output()
        .unwrap_or_else(|e| {
            panic!("`{tool}` cannot be run: {e}\nhint: apt-get install mosquitto-clients")
        })
}

#[test]
fn mosquitto_pub_delivers_with_every_qos_in_both_versions() {
    let stage = Stage::new();
    let gateway = GATEWAYS[0];
    let mut sent = Vec::new();
    for (seq, (version, qos)) in (1..).zip(
        ["mqttv311", "mqttv5"]
            .into_iter()
            .flat_map(|v| ["0", "1", "2"].map(|q| (v, q))),
    ) {
        let message = payload(gateway, 1, seq);
        let topic = reads_topic(gateway);
        let output = mosquitto(
            "mosquitto_pub",
            &stage,
            gateway,
            &["-V", version, "-q", qos, "-t", &topic, "-m", &message],
        );
        assert!(output.status.success(), "{version} QoS {qos}: {output:?}");
        assert_eq!(output.stderr, b"", "{version} QoS {qos}: {output:?}");
        sent.push(seq);
    }
    crate::stage::wait_until("all are on disk", || stage.sequences(gateway, 1) == sent);
}

#[test]
fn mosquitto_pub_hears_that_a_topic_is_forbidden() {
    let stage = Stage::new();
    let topic = reads_topic(GATEWAYS[1]);
    for version in ["mqttv311", "mqttv5"] {
        let more = ["-V", version, "-q", "1", "-t", &topic, "-m", "x"];
        let output = mosquitto("mosquitto_pub", &stage, GATEWAYS[0], &more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if version == "mqttv5" {
            assert!(said.contains("Not authorized"), "{output:?}");
        } else {
            assert!(!output.status.success(), "{output:?}");
        }
    }
    assert_eq!(stage.journaled(), []);
}

#[test]
fn mosquitto_sub_gets_the_retained_receipt_in_both_versions() {
    let stage = Stage::new();
    let gateway = GATEWAYS[0];
    stage.receipts.note(gateway, 9, 1);
    let topic = format!("commonwatt/v1/{gateway}/receipt");
    for version in ["mqttv311", "mqttv5"] {
        let more = [
            "-V", version, "-q", "1", "-t", &topic, "-C", "1", "-W", "10", "-F", "%r %p",
        ];
        let output = mosquitto("mosquitto_sub", &stage, gateway, &more);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let wanted = r#"1 {"done":[{"boot":9,"upto":1,"also":[]}],"head":""}"#;
        assert_eq!(said.trim(), wanted, "{output:?}");
    }
    let refused = mosquitto(
        "mosquitto_sub",
        &stage,
        gateway,
        &["-t", "#", "-C", "1", "-W", "2"],
    );
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("denied"), "{refused:?}");
}

#[test]
fn paho_publishes_subscribes_and_leaves_a_will() {
    let Some(python) = paho() else {
        return;
    };
    let stage = Stage::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/paho_client.py");
    let output = Command::new(python)
        .args([
            script,
            &stage.address().port().to_string(),
            GATEWAYS[0],
            TOKEN,
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let sequences = |boot| stage.sequences(GATEWAYS[0], boot);
    assert_eq!(sequences(3), (1..=60).collect::<Vec<_>>());
    assert_eq!(sequences(5), (1..=60).collect::<Vec<_>>());
    crate::stage::wait_until("the wills are committed", || {
        let committed = stage.committed.lock().unwrap();
        committed
            .iter()
            .flat_map(|d| &d.statuses)
            .filter(|s| s.will)
            .count()
            == 2
    });
}

/// A Python with paho-mqtt, made once under `target/`. In CI it must be there.
fn paho() -> Option<PathBuf> {
    let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("paho-mqtt-2.1.0");
    let python = venv.join("bin/python");
    let run = |command: &mut Command| {
        let output = command.output().map_err(|e| e.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    };
    let has_it = || run(Command::new(&python).args(["-c", "import paho.mqtt.client"]));
    let made = has_it().or_else(|_| {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(&python).args(["-m", "pip", "install", "-q", "paho-mqtt==2.1.0"]))?;
        has_it()
    });
    match made {
        Ok(()) => Some(python),
        Err(why) if std::env::var_os("CI").is_some() => {
            panic!(
                "paho-mqtt cannot be had: {why}\nhint: python3 -m venv, pip install paho-mqtt==2.1.0"
            )
        }
        Err(why) => {
            eprintln!("NOT TESTED: paho-mqtt cannot be had: {why}");
            None
        }
    }
}
