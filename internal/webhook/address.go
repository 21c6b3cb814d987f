package webhook

import (
	"net/netip"

	"code.dny.dev/ssrf"
)

// Addresses says which addresses may be dialed.
type Addresses struct{ guard *ssrf.Guardian }

// The forms of IPv6 addresses that stand for an IPv4 address (RFC 4291, 6052 and 3056).
var (
	compatible = netip.MustParsePrefix("::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

// PublicAddresses are those that the IANA special-purpose registries do not list: no private,
// shared, loopback, link-local, documentation, benchmarking, multicast or reserved address. With
// allowPrivate loopback, RFC 1918 and unique local addresses are allowed too, and link-local ones,
// where clouds keep their credentials, still are not.
func PublicAddresses(allowPrivate bool) Addresses {
	options := []ssrf.Option{ssrf.WithAnyPort(), ssrf.WithAnyNetwork()}
	if allowPrivate {
		options = append(options,
			ssrf.WithAllowedV4Prefixes(
				netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"),
				netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
			),
			ssrf.WithAllowedV6Prefixes(netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fc00::/7")),
		)
	}
	return Addresses{ssrf.New(options...)}
}

// Allows says whether an address may be dialed. An IPv6 address that stands for an IPv4 address is
// judged by that one.
func (a Addresses) Allows(addr netip.Addr) bool {
	return a.guard != nil && addr.IsValid() && a.guard.SafeAddr(unwrap(addr)) == nil
}

// unwrap returns the IPv4 address that an IPv6 address stands for, or else the address.
func unwrap(addr netip.Addr) netip.Addr {
	if addr = addr.Unmap(); addr.Is4() || addr.Zone() != "" {
		return addr
	}
	bytes := addr.As16()
	switch {
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(bytes[2:6]))
	case ssrf.IPv6NAT64Prefix.Contains(addr),
		compatible.Contains(addr) && !addr.IsLoopback() && !addr.IsUnspecified():
		return netip.AddrFrom4([4]byte(bytes[12:]))
	default:
		return addr
	}
}
