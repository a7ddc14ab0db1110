"""Copy a pcapng file without what it says about the machine it was made on.

    forget_machine.py INPUT OUTPUT

dumpcap notes the processor (section header, shb_hardware) and the kernel (shb_os,
and if_os of every interface). They differ from run to run and tell a reader nothing,
so those options go; every other block is copied as it is. Little-endian input only,
as the recorder writes it on any machine it is likely to run on; other input is refused.

Format: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html
"""

import struct
import sys

SECTION_HEADER, INTERFACE_DESCRIPTION = 0x0A0D0D0A, 1
BYTE_ORDER_MAGIC = 0x1A2B3C4D
END_OF_OPTIONS = 0

# block type -> (length of the fixed part after the block's 8-byte head, options to drop)
FORGETTABLE = {
    SECTION_HEADER: (16, {2, 3}),  # shb_hardware, shb_os
    INTERFACE_DESCRIPTION: (8, {12}),  # if_os
}


def main(source: str, target: str) -> None:
    with open(source, "rb") as f:
        data = f.read()
    if struct.unpack_from("<I", data, 8)[0] != BYTE_ORDER_MAGIC:
        sys.exit("forget_machine.py: not a little-endian pcapng file")
    with open(target, "wb") as f:
        at = 0
        while at < len(data):
            kind, length = struct.unpack_from("<II", data, at)
            f.write(without_machine(kind, data[at : at + length]))
            at += length


def without_machine(kind: int, block: bytes) -> bytes:
    if kind not in FORGETTABLE:
        return block
    fixed, dropped = FORGETTABLE[kind]
    body, at, end = block[8 : 8 + fixed], 8 + fixed, len(block) - 4
    while at < end:
        code, size = struct.unpack_from("<HH", block, at)
        whole = 4 + (size + 3) // 4 * 4  # values are padded to 32 bits
        if code not in dropped:
            body += block[at : at + whole]
        at += whole
        if code == END_OF_OPTIONS:
            break
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


if __name__ == "__main__":
    main(*sys.argv[1:])
