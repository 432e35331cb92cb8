"""Asks a name server for the address of a name: 0 if it gives one. Runs by its path, on the node.

Nothing that does this is on every machine, and the node's Services exist nowhere but in its network
namespace.
"""

import socket
import struct
import sys

server, name = sys.argv[1:]
labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
# One question, for an address on the internet.
question = struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!B2H", 0, 1, 1)
with socket.socket(type=socket.SOCK_DGRAM) as asking:
    asking.settimeout(1)
    asking.sendto(question, (server, 53))
    _, flags, _, answers = struct.unpack("!4H", asking.recv(512)[:8])
sys.exit(0 if flags & 0xF == 0 and answers else 1)
