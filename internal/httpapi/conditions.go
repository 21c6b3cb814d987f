package httpapi

import (
	"regexp"
	"strconv"
	"strings"
)

// etag finds the ETags of a list. A W/ in front and what a proxy that compresses appends, within
// the quotes or behind them, are left out: the policy is the same, however it was sent.
var etag = regexp.MustCompile(`(?:W/)?("[^"]*")(?:-gzip|-br|;gzip)?`)

// etags is the value of If-Match or If-None-Match, which the contract has validated; nil without
// the header.
type etags struct {
	any  bool
	list []string
}

func fromAPIETags(header *string) *etags {
	if header == nil {
		return nil
	}
	e := &etags{any: *header == "*"}
	for _, m := range etag.FindAllStringSubmatch(*header, -1) {
		tag := strings.Trim(m[1], `"`)
		for _, suffix := range []string{"-gzip", "-br", ";gzip"} {
			tag = strings.TrimSuffix(tag, suffix)
		}
		e.list = append(e.list, `"`+tag+`"`)
	}
	return e
}

// has reports whether a version is in the list.
func (e *etags) has(version int64) bool {
	for _, tag := range e.list {
		if tag == toAPIETag(version) {
			return true
		}
	}
	return false
}

// fromAPIConditions returns which versions of the policy a client wants to change (RFC 9110,
// section 13.1). "*" in If-Match is every version, "*" in If-None-Match every stored one.
func fromAPIConditions(ifMatch, ifNoneMatch *string) func(version int64) bool {
	match, noneMatch := fromAPIETags(ifMatch), fromAPIETags(ifNoneMatch)
	return func(version int64) bool {
		if match != nil && !match.any && !match.has(version) {
			return false
		}
		return noneMatch == nil || !noneMatch.has(version) && (!noneMatch.any || version == 0)
	}
}

// isCurrent reports whether a client has this version already, and so needs no answer but 304. "*"
// asks whether there is any policy, and the defaults are one.
func isCurrent(ifNoneMatch *string, version int64) bool {
	e := fromAPIETags(ifNoneMatch)
	return e != nil && (e.any || e.has(version))
}

func toAPIETag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }
