"""A writer whose behaviour at a power cut is known: python3 control.py FILE sync|careless

Appends numbered lines and prints each number once it claims to have it. With `sync` the claim is
made after fdatasync and must hold; `careless` claims without it and must be caught.
"""

import os
import sys

path, mode = sys.argv[1], sys.argv[2]
file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
number = 0
while True:
    os.write(file, b"%d\n" % number)
    if mode == "sync":
        os.fdatasync(file)
    os.write(1, b"%d\n" % number)
    number += 1
