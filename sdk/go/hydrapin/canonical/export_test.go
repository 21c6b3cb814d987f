package canonical

// Serialise is the RFC 8785 writer alone, for the one published vector that the rule on numbers refuses.
var Serialise = serialise
