"""Cuts the power of a mounted ext4: python3 shutdown.py MOUNTPOINT

EXT4_IOC_SHUTDOWN with NOLOGFLUSH: from now on every write and every sync on this file system
fails with EIO, and nothing that was not yet written reaches the image. Needs root.
"""

import fcntl
import os
import struct
import sys

EXT4_IOC_SHUTDOWN = 0x8004587D
NOLOGFLUSH = 2

mount = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(mount, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
