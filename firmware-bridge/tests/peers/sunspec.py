"""SunSpec devices that do not exist, served by pymodbus, and read by pysunspec2.

    sunspec.py serve tcp|rtu < devices.json    prints `ready PORT` or `ready /dev/pts/N`, then serves
    sunspec.py read tcp PORT BASE UNIT...      prints what pysunspec2 reads, as JSON: a list for each unit
    sunspec.py read rtu PATH BASE UNIT...

devices.json is a list of {"unit", "base", "models": [...]}; a model is as in pysunspec2's own test
data: its points by name, null where a point is not implemented. Registers are encoded by pysunspec2.
A device with "counts": ADDRESS adds one to that register at each read of more than two registers, and
with "late": [N, SECONDS] answers the N-th of these reads so much later.
"""

import asyncio
import json
import os
import struct
import sys
import tempfile
import threading
import tty
from decimal import Decimal

import sunspec2.file.client as file_client
import sunspec2.modbus.client as modbus_client
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def registers(models):
    """The models' registers with mark and end, as pysunspec2 encodes them."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as described:
        json.dump({"models": models}, described)
        described.flush()
        device = file_client.FileClientDevice(described.name)
        device.scan()
    for model in device.model_list:
        if model.error_info:
            sys.exit(f"model {model.model_id}: {model.error_info}")
    data = b"SunS" + device.get_mb() + b"\xff\xff\x00\x00"
    return list(struct.unpack(f">{len(data) // 2}H", data))


def habits(device):
    """What a device does when it is read."""
    seen = 0

    async def when_read(function, start, address, count, current, written):
        nonlocal seen
        if count <= 2:
            return
        seen += 1
        current[device["counts"] - start] += 1
        if device["late"][0] == seen:
            await asyncio.sleep(device["late"][1])

    return when_read if "counts" in device else None


def devices(described):
    return [
        SimDevice(
            id=device["unit"],
            simdata=[
                SimData(
                    device["base"],
                    values=registers(device["models"]),
                    datatype=DataType.REGISTERS,
                )
            ],
            action=habits(device),
        )
        for device in described
    ]


def joined_ptys():
    """Two pseudo terminals joined at their master ends: a line with two plugs."""
    masters, plugs = zip(*(os.openpty() for _ in range(2)))
    for plug in plugs:
        tty.setraw(plug)

    def carry(source, sink):
        while True:
            os.write(sink, os.read(source, 1024))

    for source, sink in (masters, masters[::-1]):
        threading.Thread(target=carry, args=(source, sink), daemon=True).start()
    return [os.ttyname(plug) for plug in plugs]


async def serve(transport):
    context = devices(json.load(sys.stdin))
    if transport == "tcp":
        server = ModbusTcpServer(context, address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        where = server.transport.sockets[0].getsockname()[1]
    else:
        ours, where = joined_ptys()
        server = ModbusSerialServer(context, port=ours, baudrate=19200, ignore_missing_devices=True)
        await server.serve_forever(background=True)
    print("ready", where, flush=True)
    await asyncio.Event().wait()


def read(transport, where, base, unit):
    if transport == "tcp":
        device = modbus_client.SunSpecModbusClientDeviceTCP(unit, "127.0.0.1", int(where), timeout=5)
    else:
        device = modbus_client.SunSpecModbusClientDeviceRTU(unit, where, baudrate=19200, timeout=5)
    device.base_addr_list = [base]
    device.scan()
    shown = []
    for model in device.model_list:
        groups = [model] + [group for list_ in model.groups.values() for group in as_list(list_)]
        for number, group in enumerate(groups):
            for name, point in group.points.items():
                if name not in ("SN", "WH", "TotWhExp", "TotWhImp", "TotWhInj", "TotWhAbs", "DCWH"):
                    continue
                entry = {"model": model.model_id, "group": number, "point": name}
                if name == "SN":
                    entry["text"] = point.value
                else:
                    entry["wh"] = in_wh(model, point)
                shown.append(entry)
    device.close()
    return shown


def as_list(groups):
    return groups if isinstance(groups, list) else [groups]


def in_wh(model, point):
    """The register in whole Wh, from pysunspec2's raw value and scale factor, in decimals."""
    if point.value is None:
        return None
    exponent = 0
    if point.pdef.get("sf") is not None:
        exponent = model.points[point.pdef["sf"]].value
        if exponent is None:
            return None
    return int(Decimal(point.value).scaleb(exponent))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(sys.argv[2]))
    else:
        transport, where, base = sys.argv[2:5]
        units = [read(transport, where, int(base), int(unit)) for unit in sys.argv[5:]]
        json.dump(units, sys.stdout)
