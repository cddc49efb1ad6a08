"""schemathesis against a running demo, as several roles.

Usage: api.py BINARY SCHEMATHESIS [EXAMPLES]

Starts `commonwatt demo` in an empty folder, makes a token for each role with its password and the code
of the moment, and lets schemathesis ask every address of /api/v1 for what its description promises: no 5xx, no
answer of another form, no status that is not described, no method that is not there.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
    ]
)
ROLES = ["", "treasurer", "auditor", "council", "member"]
PATIENCE_S = 180
TERMINAL = os.path.join(os.path.dirname(os.path.realpath(__file__)), "scenarios", "terminal.py")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def code(secret):
    """RFC 6238, as an authenticator app shows it."""
    moment = struct.pack(">Q", int(time.time()) // 30)
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, moment, hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def token(binary, data, login):
    """A token of this login that only reads, made at a terminal as a person makes it."""
    user, password, secret = login
    typed = [["password of", password]] + ([["code of the moment", code(secret)]] if secret else [])
    done = subprocess.run(
        [sys.executable, TERMINAL, json.dumps(typed), binary, "--data", data, "--as", user, "--output", "json",
         "user", "token", user, "--label", "schemathesis", "--read-only"],
        capture_output=True, text=True,
    )
    found = re.search(r'"token":\s*"([0-9a-f]{64})"', done.stdout)
    if not found:
        sys.exit(f"{user} gets no token: {done.stdout}{done.stderr}")
    return found.group(1)


def main():
    binary, schemathesis = (os.path.realpath(path) for path in sys.argv[1:3])
    examples = sys.argv[3] if len(sys.argv) > 3 else "12"
    port = free_port()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        log = open(os.path.join(folder, "demo.log"), "w+")
        demo = subprocess.Popen(
            [binary, "demo", "--data", os.path.join(folder, "data"), "--http", f"127.0.0.1:{port}",
             "--mqtt", f"127.0.0.1:{free_port()}"],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )
        try:
            until = time.time() + PATIENCE_S
            said, logins = "", {}
            while time.time() < until and len(logins) < 8:
                time.sleep(0.5)
                said = open(log.name).read()
                found = re.findall(r"^ {2}(\w+) +([\w-]+) +(sample-\w+)(?: +code \d{6} +secret (\w+))?", said, re.M)
                logins = {role: (user, password, secret) for role, user, password, secret in found}
                if demo.poll() is not None:
                    break
            if len(logins) < 8:
                sys.exit(f"the demo did not come up:\n{said}")
            for role in ROLES:
                args = [
                    schemathesis, "run", f"http://127.0.0.1:{port}/api/v1/openapi.json",
                    "--checks", CHECKS, "--max-examples", examples, "--phases", "examples,coverage,fuzzing",
                    "--seed", "7", "--continue-on-failure", "--warnings", "off",
                    "--suppress-health-check", "all", "--request-timeout", "20", "--workers", "2",
                ]
                if role:
                    shown = token(binary, os.path.join(folder, "data"), logins[role])
                    args += ["--header", f"Authorization: Bearer {shown}"]
                began = time.time()
                done = subprocess.run(args, cwd=folder, capture_output=True, text=True)
                words = done.stdout.strip().splitlines()
                print(f"{role or 'nobody'}: {words[-1] if words else 'nothing'} ({time.time() - began:.0f} s)")
                if done.returncode != 0:
                    failed.append(role or "nobody")
                    print("\n".join(words[-120:]), done.stderr)
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(timeout=60)
    if failed:
        sys.exit(f"the API does not keep what it promises: {', '.join(failed)}")


main()
