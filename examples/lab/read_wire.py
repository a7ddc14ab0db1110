"""What tshark sees of a capture between two hosts, in five lines: name, value.

usage: read_wire.py FILE TUNNEL VIP... (TUNNEL is vxlan or geneve)

Every checksum is looked at, of the outermost headers and of those in the tunnel. tshark is asked once: it is slow.
"""
import subprocess
import sys

FIELDS = ["frame.number", "frame.protocols", "_ws.malformed", "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status",
          "icmp.checksum.status", "icmpv6.checksum.status", "vxlan.vni", "geneve.vni", "ip.src", "ipv6.src"]
CHECKED = ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status"]
BAD = "0"


def frames(file):
    """One dictionary a frame, of lists: a field may be in it outside and inside."""
    options = [o for p in ("ip", "tcp", "udp") for o in ("-o", f"{p}.check_checksum:TRUE")]
    # A stream is read packet by packet: putting it together again costs most of the time.
    options += ["-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tcp.analyze_sequence_numbers:FALSE"]
    command = ["tshark", "-n", "-r", file, *options, "-T", "fields", *[w for f in FIELDS for w in ("-e", f)]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as tshark:
        for line in tshark.stdout:
            values = [v.split(",") if v else [] for v in line.rstrip("\n").split("\t")]
            yield dict(zip(FIELDS, values + [[]] * (len(FIELDS) - len(values))))
    if tshark.returncode != 0:
        sys.exit(f"tshark: exit status {tshark.returncode}")


def main(file, tunnel, *vips):
    count, bad, vnis, strangers, returned = 0, [], set(), set(), 0
    for frame in frames(file):
        count += 1
        if frame["_ws.malformed"] or any(BAD in frame[f] for f in CHECKED):
            bad.append(frame["frame.number"][0])
        protocols = frame["frame.protocols"][0].split(":")
        if tunnel in protocols:
            # Geneve's is shown in hexadecimal.
            vnis.update(int(v, 0) for v in frame[f"{tunnel}.vni"])
            returned += any(vip in frame["ip.src"] + frame["ipv6.src"] for vip in vips)
        elif protocols[-1] not in ("arp", "icmpv6"):
            strangers.add(":".join(protocols))
    print("frames", count)
    print("bad", *bad[:10])
    print("vnis", *sorted(vnis))
    print("strangers", *sorted(strangers))
    print("returned", returned)


main(*sys.argv[1:])
