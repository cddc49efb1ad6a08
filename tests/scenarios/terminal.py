"""A person at a terminal: runs a command on a pseudo-terminal and answers its questions.

python3 terminal.py [--any] SCRIPT COMMAND...   SCRIPT is JSON: [[what is asked for, answer], ...]

The questions come in the order of the script; with --any in any order. When the script is at its end,
the next question is answered by hanging up.

The answer `TOTP` is a code of the moment, reckoned here by RFC 6238 from the secret that was shown
in this session, or from the file `secret` in the current folder, where it is then written. A code is
taken once, so the next one is shown after it, up to half a minute early; then this person waits.
Everything the command said goes to stdout; its exit code is ours.
"""

import base64, hashlib, hmac, json, os, re, struct, sys, time


def unused_step(secret):
    used = 0
    if os.path.exists("secret.used"):
        of, step = open("secret.used").read().split()
        used = int(step) if of == secret else 0
    while used >= int(time.time()) // 30 + 1:
        time.sleep(0.5)
    step = max(int(time.time()) // 30, used + 1)
    open("secret.used", "w").write(f"{secret} {step}")
    return step


def totp(secret):
    key = base64.b32decode(secret)
    mac = hmac.new(key, struct.pack(">Q", unused_step(secret)), hashlib.sha1).digest()
    at = mac[-1] & 15
    return "%06d" % ((struct.unpack(">I", mac[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000)


def main():
    any_order = sys.argv[1] == "--any"
    script, command = json.loads(sys.argv[1 + any_order]), sys.argv[2 + any_order :]
    child, terminal = os.forkpty()
    if child == 0:
        os.execvp(command[0], command)
    said, seen = "", 0
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        said += piece.decode(errors="replace")
        asked = [n for n, (what, _) in enumerate(script) if f"{what}" in said[seen:]]
        asked = asked if any_order else [n for n in asked if n == 0]
        if not asked and not script and said.rstrip().endswith(":") and any_order is False:
            os.write(terminal, b"\x04")
        if asked:
            answer = script.pop(asked[-1])[1]
            seen = len(said)
            if answer == "TOTP":
                shown = re.search(r"into it: ([A-Z2-7]{32})", said)
                if shown:
                    open("secret", "w").write(shown.group(1))
                answer = totp(open("secret").read())
            os.write(terminal, answer.encode() + b"\n")
    _, status = os.waitpid(child, 0)
    sys.stdout.write(said)
    sys.exit(os.waitstatus_to_exitcode(status))


main()
