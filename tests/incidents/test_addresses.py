import pytest

from incidents.addresses import check_address, is_public
from incidents.errors import AddressRefused


@pytest.mark.parametrize("ip", ["93.184.216.34", "8.8.8.8", "2606:4700::1111"])
def test_public_addresses_pass(ip: str) -> None:
    check_address("example.com", 443, ip, ())


@pytest.mark.parametrize("ip", [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200", "169.254.169.254", "168.63.129.16", "192.0.0.192",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "not an address"])
def test_private_and_special_addresses_are_refused(ip: str) -> None:
    assert not is_public(ip)
    with pytest.raises(AddressRefused, match="allow_hosts"):
        check_address("evil.example", 80, ip, ("other.example",))


@pytest.mark.parametrize(("host", "port", "entry"), [
    ("127.0.0.1", 8103, "127.0.0.1:8103"), ("127.0.0.1", 8103, "127.0.0.1"), ("Bbs.Local", 80, "bbs.local"), ("bbs.local.", 80, "BBS.local"), ("::1", 80, "[::1]:80"), ("[::1]", 80, "::1")])
def test_named_hosts_may_be_private(host: str, port: int, entry: str) -> None:
    check_address(host, port, "127.0.0.1", (entry,))


@pytest.mark.parametrize(("host", "port", "entry"), [
    ("127.0.0.1", 8104, "127.0.0.1:8103"), ("evil.example", 8103, "127.0.0.1:8103"), ("xbbs.local", 80, "bbs.local"), ("bbs.local.evil.example", 80, "bbs.local")])
def test_a_name_that_leads_to_an_allowed_address_is_not_allowed_itself(host: str, port: int, entry: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(host, port, "127.0.0.1", (entry,))
