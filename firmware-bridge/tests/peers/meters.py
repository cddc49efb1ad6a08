"""Meters on a line that do not exist, for the serial sources.

    meters.py iec62056      prints `ready /dev/pts/N`, answers readouts there with 7E1 parity, in
                            frames that PyPI iec62056-21 makes; stdin: lines of `address value unit`
    meters.py play FILE     prints `ready /dev/pts/N`, then writes FILE there again and again
    meters.py judge         stdin: bytes of a readout from STX to the check character; prints what
                            PyPI iec62056-21 reads from them, as JSON
"""

import json
import os
import sys
import time
import tty

IDENTIFICATION = ("2EK280", "Els", "5")


def plug():
    """A pseudo terminal; the path of its other end."""
    master, slave = os.openpty()
    tty.setraw(slave)
    print("ready", os.ttyname(slave), flush=True)
    return master


def dressed(data):
    """Seven bits and even parity."""
    return bytes(b | (bin(b).count("1") & 1) << 7 for b in data)


def undressed(data):
    if any(bin(b).count("1") & 1 for b in data):
        sys.exit("odd parity from the gateway")
    return bytes(b & 0x7F for b in data)


def read_until(master, end):
    data = b""
    while not data.endswith(end):
        data += undressed(os.read(master, 64))
    return data.decode()


def iec62056():
    from iec62056_21 import messages

    sets = [line.split() for line in sys.stdin]
    lines = [
        messages.DataLine([messages.DataSet(address=a, value=v, unit=None if u == "-" else u)])
        for a, v, u in sets
    ]
    readout = messages.ReadoutDataMessage(messages.DataBlock(lines)).to_bytes()
    identification = messages.IdentificationMessage(*IDENTIFICATION).to_bytes()
    master = plug()
    while True:
        request = messages.RequestMessage.from_representation(read_until(master, b"!\r\n"))
        os.write(master, dressed(request.to_bytes()))  # the head echoes
        os.write(master, dressed(identification))
        text = read_until(master, b"\r\n")
        ack = messages.AckOptionSelectMessage.from_representation(text)
        if ack.to_bytes().decode() != text or ack.mode_char != "0" or ack.baud_char not in "012345":
            sys.exit(f"a strange acknowledgement: {text!r}")
        os.write(master, dressed(ack.to_bytes()))
        for i in range(0, len(readout), 7):
            os.write(master, dressed(readout[i : i + 7]))
            time.sleep(0.001)


def play(path):
    with open(path, "rb") as file:
        data = file.read()
    master = plug()
    while True:
        for i in range(0, len(data), 40):
            os.write(master, data[i : i + 40])
            time.sleep(0.002)


def judge():
    from iec62056_21 import messages

    read = messages.ReadoutDataMessage.from_bytes(sys.stdin.buffer.read())
    sets = [s for line in read.data_block.data_lines for s in line.data_sets]
    print(json.dumps([[s.address, s.value, s.unit] for s in sets]))


if __name__ == "__main__":
    {"iec62056": iec62056, "play": play, "judge": judge}[sys.argv[1]](*sys.argv[2:])
