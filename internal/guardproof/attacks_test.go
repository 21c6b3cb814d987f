package guardproof_test

import "testing"

// attack is one row of the table. Each of its kinds gets a stage of its own, and at the end the
// server's record is compared with what the person confirmed.
type attack struct {
	name string
	// may says what the attacker can do, tried what was tried.
	may, tried string
	// kinds are the transports and revisions that the attack is tried over.
	kinds []kind
	// ran is how many calls run, each with the person's PIN: upToConfirmed where a race or a kill
	// decides that. Without the PIN nothing may run.
	ran int
	run func(t *testing.T, s *stage)
}

const (
	nothing       = 0
	once          = 1
	upToConfirmed = -1
)

// What an attacker may do, from the weakest.
const (
	model     = "choose tools and arguments"
	client    = "send any message"
	server    = "be the server"
	network   = "cut or change the line to hydrapin"
	machine   = "kill guard"
	bystander = "reach guard's port"
)

// attacks is the table. Add rows here; a row's function has the attack and nothing else, for the
// verdict is the runner's.
var attacks = []attack{
	// The call.
	{"replays a call", model, "the confirmed call twice more", everyKind, once, replay},
	{"changes an argument", model, "asked with one amount, called with another after the PIN", everyKind, once, changeArgument},
	{"swaps the tool", model, "asked for one tool, another called with the same arguments", everyKind, nothing, swapTool},
	{"races one approval, two guards", client, "the confirmed call 5 times over each of two guards at once", everyKind, once, raceTwoGuards},
	{"races one approval, one guard", client, "the confirmed call 20 times at once", everyKind, once, raceOneGuard},
	{"races the PIN", client, "20 of the same call held while the person confirms", everyKind, once, racePIN},
	{"cancels", client, "cancelled while held, then confirmed", overStdio, nothing, cancelHeld},
	{"hangs up", client, "connection closed while held, then confirmed", overHTTP, upToConfirmed, hangUpHeld},
	{"leaves", client, "stdin closed while held, then confirmed", overStdio, nothing, leaveHeld},
	{"floods with questions", model, "120 different calls at once", everyKind, nothing, floodQuestions},

	// Spelling.
	{"spells the tool another way", model, "case, spaces, look-alike and invisible letters, no string", everyKind, nothing, spellTool},
	{"has the server list other spellings", server, "four spellings that the policy folds to the guarded name", everyKind, nothing, listSpellings},
	{"spells the method another way", client, "case, spaces, escapes, beside another method", everyKind, nothing, spellMethod},
	{"names a member twice", client, "method, params, name, arguments, nested, in another case", everyKind, nothing, duplicateNames},
	{"numbers that doubles cannot hold", model, "above 2^53, above 1e308, 40 digits", everyKind, nothing, inexactNumbers},
	{"1 for 1.0", model, "1 confirmed; 1.0, then 1e0", everyKind, once, equalNumbers},
	{"huge and deep arguments", model, "17 KiB, 4 MiB, depth 33, depth 100,000", everyKind, nothing, hugeArguments},
	{"markup and bidi characters", model, "in arguments that a summary shows", everyKind, nothing, markup},
	{"bad text", client, "invalid UTF-8, lone surrogates, BOM, NUL, two values, half a value", everyKind, nothing, badText},
	{"hides in a batch", client, "alone, beside a ping, nested, empty", everyKind, nothing, batch},
	{"bad ids", client, "none, null, an object, in use", everyKind, nothing, badIDs},
	{"smuggles members", client, "beside name and arguments, in _meta, a task", everyKind, nothing, smuggleMembers},

	// How the person gets to the page.
	{"forges accept", client, "accept for the link without the page, 20 times", everyKind, nothing, forgeAccept},
	{"forges inputResponses", client, "accept under guessed keys before anything was asked", overNewer, nothing, forgeInputResponses},
	{"forges requestState", client, "guessed, empty, of another type", overNewer, nothing, forgeState},
	{"swaps requestState", client, "a server's state with other arguments, another tool, in another guard", overNewer, once, swapState},
	{"replays requestState", client, "a server's state three times", overNewer, once, replayState},
	{"opens the link", model, "the page's form without a PIN, with incorrect PINs, with accept in the URL", everyKind, nothing, openLink},

	// The person and the policy.
	{"asks again after a decline", model, "the declined call three times more", everyKind, nothing, askAfterDecline},
	{"waits for the PIN to be guessed", model, "five incorrect PINs, then the correct one", everyKind, nothing, lockedPIN},
	{"uses an approval after a freeze", model, "confirmed, frozen, called", everyKind, nothing, afterFreeze},
	{"uses an approval after a new PIN", model, "confirmed, PIN replaced, called", everyKind, nothing, afterNewPIN},
	{"uses an approval after lock now", model, "confirmed, sessions ended, called", everyKind, nothing, afterLockNow},
	{"uses another person's approval", client, "confirmed by one customer, called for another", everyKind, nothing, anotherPerson},
	{"rides on a PIN session", model, "a session opened by the PIN, then the call", everyKind, nothing, ridePINSession},
	{"loosens the policy", model, "the policy emptied, the tool named in the settings", everyKind, nothing, loosenedPolicy},
	{"lets it expire", model, "confirmed too late", everyKind, nothing, expired},

	// The server.
	{"renames its tool", server, "list changed between the PIN and the call", everyKind, upToConfirmed, renamedTool},
	{"asks to call itself", server, "tools/call and sampling sent to the client, which obeys", everyKind, nothing, callItself},
	{"speaks in guard's name", server, "answers and elicitations with guard's ids", everyKind, nothing, impersonation},
	{"reads guard's key", server, "its environment", overStdio, nothing, readEnvironment},

	// hydrapin and guard fail.
	{"cuts the line to hydrapin", network, "at each step, before and after, then called again", everyKind, upToConfirmed, cutEachStep},
	{"hydrapin fails", network, "500, 503 and 429 at each step, then called again", everyKind, upToConfirmed, failEachStep},
	{"answers for hydrapin", network, "unrecognised answers at each step", everyKind, nothing, unrecognised},
	{"edits redeem's answer", network, "another status, id, skill, digest, half an answer", everyKind, nothing, editRedeem},
	{"kills guard", machine, "kill -9 at each step, before and after, then called through a new guard", everyKind, upToConfirmed, killEachStep},

	// HTTP.
	{"headers that differ from the body", client, "Mcp-Method, Mcp-Name, twice, missing the body's", overHTTP, nothing, headersDiffer},
	{"another origin or host", bystander, "a web page's Origin, a rebound Host", overHTTP, nothing, foreignOrigin},
	{"another path or verb", client, "paths beside the server's, PUT, PATCH, GET and DELETE with a body", overHTTP, nothing, otherPath},
	{"another encoding", client, "gzip, UTF-16, text/plain, a form, no type", overHTTP, nothing, otherEncoding},
	{"leaves HTTP", client, "an upgrade to a tunnel that the server accepts", overHTTP, nothing, upgrade},
	{"uses an approval of another client", client, "confirmed under one Authorization, called under another", overHTTP, once, anotherAuthorization},
	{"names another person", bystander, "holder header without, with a wrong, with a repeated secret", overHTTP, nothing, namedHolder},
}

var overNewer = []kind{stdioNewer, httpNewer}
