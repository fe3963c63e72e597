"""Ways to write an address that must never be connected to; {port} is that of a real server."""

from __future__ import annotations

import ipaddress


def _listed(text: str) -> list[str]:
    return text.split()


#: One address inside each network that is not public (IANA special-purpose registries, clouds).
V4 = _listed("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.254 100.64.0.1 100.100.100.200 100.127.255.254 127.0.0.1
127.0.0.2 127.1.2.3 127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2
172.16.0.1 172.31.255.254 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.170 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.1 192.168.255.254 198.18.0.1 198.19.255.254 198.51.100.7 203.0.113.9
224.0.0.1 239.255.255.250 240.0.0.1 250.1.2.3 255.255.255.255
""")
V6 = _listed("""
:: ::1 ::2 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::10.0.0.1 100::1 100:0:0:1::1
2001::1 2001:0:7f00:1::1 2001:2::1 2001:3::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::
2002:7f00:1::1 2002:a00:1::1 2002:c0a8:1::1 2002:808:808::1 3ffe::1 3fff::1 5f00::1 fc00::1
fd00::1 fd00:ec2::254 fdff::1 fe80::1 febf::1 fec0::1 feff::1 ff01::1 ff02::1 ff05::2 ff0e::1
4000::1 8000::1 2606:4700::5efe:7f00:1 2606:4700::200:5efe:a00:1
""")


def _numbers(address: str) -> list[str]:
    """The spellings that C libraries and browsers know for an IPv4 address."""
    value = int(ipaddress.IPv4Address(address))
    a, b, c, d = address.split(".")
    low, mid = value & 0xFFFFFF, value & 0xFFFF
    octal = ".".join(f"0{int(part):o}" for part in (a, b, c, d))
    return [
        *(f"{value}", f"0x{value:x}", f"0X{value:X}", f"0{value:o}", f"{a}.{low}"),
        *(f"{a}.{b}.{mid}", f"0x{int(a):x}.{low}", octal, f"{a}.{b}.{c}.0x{int(d):x}"),
        *(".".join(f"{int(part):#04x}" for part in (a, b, c, d)), f"00{a}.{b}.{c}.{d}"),
        *(f"{a}.{b}.{c}.{d}.", f"{value}.", f"0x{value:08x}."),
    ]


def _other_digits(address: str) -> list[str]:
    """Digits and dots that turn into the usual ones when a host is brought into ASCII."""
    wide = address.translate({ord("0") + n: 0xFF10 + n for n in range(10)})
    bold = address.translate({ord("0") + n: 0x1D7CE + n for n in range(10)})
    circled = address.translate({ord("1") + n: 0x2460 + n for n in range(9)})
    return [
        *(wide, bold, circled, address.replace(".", "。"), address.replace(".", "．")),
        *(address.replace(".", "｡"), wide.replace(".", "。")),
    ]


_HOSTS = [
    *V4,
    *(
        spelled
        for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1")
        for spelled in _numbers(address)
    ),
    *(spelled for address in ("127.0.0.1", "192.168.1.1") for spelled in _other_digits(address)),
    *(f"[{address}]" for address in V6),
    *("127.1", "127.0.1", "0", "0x0", "00", "0177.1", "127.0.0.0x1", "1.2.3.4.5", "256.0.0.1"),
    *("[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::FFFF:7F00:1]", "[::ffff:7f00:0001]"),
    *("[fe80::1%25lo]", "[fe80::1%lo]", "[::1%1]", "[v1.127.0.0.1]", "[127.0.0.1]", "[::1].x"),
    *("localhost", "LOCALHOST", "localhost.", "ada.localhost", "printer.local", "router.lan"),
    *("metadata.google.internal", "intranet", "ip6-localhost", "ˡocalhost", "ⓛocalhost"),
    *("127.0.0.1%00.ada.example", "127.0.0.1%2f.ada.example", "%31%32%37.0.0.1", "loc%61lhost"),
]

SPELLED = list(
    dict.fromkeys(
        [
            *(f"http://{host}:{{port}}/" for host in _HOSTS),
            *(f"https://{host}/" for host in V4),
            *(
                "http://ada.example@127.0.0.1:{port}/",
                "http://ada.example:80@127.0.0.1:{port}/",
                "http://127.0.0.1:{port}@ada.example/",
                "http://@127.0.0.1:{port}/",
                "http://:@127.0.0.1:{port}/",
                "http://127.0.0.1:{port}\\@ada.example/",
                "http://ada.example\\@127.0.0.1:{port}/",
                "http:\\\\127.0.0.1:{port}\\",
                "http:/127.0.0.1:{port}/",
                "http:127.0.0.1:{port}/",
                "http:///127.0.0.1:{port}/",
                "http:////127.0.0.1:{port}/",
                "//127.0.0.1:{port}/",
                "127.0.0.1:{port}/",
                " http://127.0.0.1:{port}/",
                "\thttp://127.0.0.1:{port}/",
                "ht\ntp://127.0.0.1:{port}/",
                "http://127.0\n.0.1:{port}/",
                "http://127.0.0.1\t:{port}/",
                "http://127.0.0.1:{port}\r\nHost: ada.example/",
                "http://127.0.0.1:{port}\0.ada.example/",
                "http://127.0.0.1\u00ad:{port}/",
                "http://127.0.\u200b0.1:{port}/",
                "http://127.0.0.1#@ada.example:{port}/",
                "http://127.0.0.1?@ada.example:{port}/",
                "http://127.0.0.1:99999/",
                "http://127.0.0.1:-1/",
                "http://127.0.0.1:８０/",
                "http://[::1]:{port}@ada.example/",
                "http://[::1/",
                "http://::1/",
                "http://[]/",
                "http://",
                "http://./",
                "http://../",
                "file:///etc/hostname",
                "file://127.0.0.1/etc/hostname",
                "ftp://127.0.0.1:{port}/",
                "gopher://127.0.0.1:{port}/_GET",
                "dict://127.0.0.1:{port}/",
                "ws://127.0.0.1:{port}/",
                "unix:///run/socket",
                "data:text/html,x",
                "jar:http://127.0.0.1:{port}/!/",
                "view-source:http://127.0.0.1:{port}/",
                "",
            ),
        ]
    )
)

#: Addresses that a public-looking name may have.
NAMED = [*V4, *V6]
