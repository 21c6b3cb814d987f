package guard

import (
	"errors"

	"github.com/hydracore/hydrapin/sdk/go/hydrapin"
)

// The sentences that a model reads. They hold no word that a person or a model wrote, apart from the
// names of arguments.
const (
	saidAgain       = "call this tool again with the same arguments after confirming"
	saidDeclined    = "Not run: the person declined this call. Do not call it again with the same arguments."
	saidExpired     = "Not run: nobody confirmed in time. Ask the user whether to call it again."
	saidUsed        = "Not run: the approval was used by another call with the same arguments. To run it once more, call it again."
	saidFrozen      = "Not run: the agent is frozen by an administrator. Do not call it again; tell the user."
	saidUnreachable = "Not run: hydrapin cannot be reached, so nothing can be confirmed. Do not call it again now; tell the user."
	saidUnknown     = "Not run: hydrapin gave no valid answer. Do not call it again; tell the user."
	saidRefused     = "Not run: hydrapin refused the question. Do not call it again; tell the user."
	saidInvalid     = "Not run: this call cannot be confirmed: hydrapin does not accept its skill, summary or arguments. " +
		"Check the arguments; if they are correct, tell the user."
	saidChanged    = "Not run: the PIN or its state changed after the approval. To ask the person once more, call it again."
	saidPolicy     = "Not run: the PIN policy was just changed. Call it again."
	saidTooMany    = "Not run: too many questions wait for this person's PIN. Do not call it again now; tell the user."
	saidBusy       = "Not run: too many calls are in progress. Call it again later."
	saidNoList     = "Not run: the MCP server did not list its tools. Call it again later; if that does not help, tell the user."
	saidMustAsk    = "Not run: this tool must be confirmed with a PIN, but the PIN policy does not require it. Do not call it again; tell the user."
	saidNoTemplate = "Not run: the summary for the person cannot be made from these arguments. Check them against the tool's description."
	saidMember     = "Not run: this call must be confirmed with a PIN, and has a member besides name, arguments, _meta and task."
	saidState      = "Not run: this request state does not continue a confirmed call. Call the tool again without requestState and inputResponses."
	waitingMessage = "Waiting for the person to confirm with their PIN"
)

var blocked = map[hydrapin.Reason]string{
	hydrapin.ReasonFrozen:        saidFrozen,
	hydrapin.ReasonPINNotSet:     "Not run: this call must be confirmed with a PIN, and the person has not set one. Do not call it again; tell the user.",
	hydrapin.ReasonPINInactive:   "Not run: the person's PIN is deactivated. Do not call it again; tell the user.",
	hydrapin.ReasonPINLocked:     "Not run: the person's PIN is locked. Do not call it again now; tell the user.",
	hydrapin.ReasonPINCoolingOff: "Not run: the person's PIN is too new to be used. Do not call it again now; tell the user.",
	hydrapin.ReasonPINNotOwn:     "Not run: the person must set a PIN of their own first. Do not call it again; tell the user.",
}

const saidBlocked = "Not run: the person cannot confirm with a PIN at the moment. Do not call it again; tell the user."

var declined = map[hydrapin.Reason]string{
	hydrapin.ReasonWrongPIN:     "Not run: too many incorrect PINs were entered for this call. Do not call it again with the same arguments.",
	hydrapin.ReasonPINChanged:   saidChanged,
	hydrapin.ReasonSessionEnded: "Not run: the person locked the agent. Do not call it again; tell the user.",
	hydrapin.ReasonFrozen:       saidFrozen,
}

func oneOf(sentences map[hydrapin.Reason]string, reason hydrapin.Reason, otherwise string) string {
	if s, ok := sentences[reason]; ok {
		return s
	}
	return otherwise
}

// sentenceOf returns why a call did not run, for an error of the SDK.
func sentenceOf(err error) string {
	var (
		params  *hydrapin.ParamsError
		refused *hydrapin.APIError
	)
	switch {
	case errors.As(err, &params):
		return "Not run: these arguments cannot be confirmed: " + params.Error() + "."
	case !errors.As(err, &refused):
	case refused.Code == hydrapin.ErrAlreadyRedeemed:
		return saidUsed
	case refused.Code == hydrapin.ErrExpired:
		return saidExpired
	case refused.Code == hydrapin.ErrFrozen:
		return saidFrozen
	case refused.Code == hydrapin.ErrChangedSinceApproval, refused.Code == hydrapin.ErrNotApproved:
		return saidChanged
	case refused.Code == hydrapin.ErrTooManyRequests:
		return saidTooMany
	case refused.Status == 422:
		return saidInvalid
	case refused.Status >= 500:
		return saidUnreachable
	case refused.Code != "":
		return saidRefused
	default:
		return saidUnknown
	}
	switch {
	case errors.Is(err, hydrapin.ErrUnexpectedAnswer):
		return saidUnknown
	case errors.Is(err, hydrapin.ErrArgument):
		return saidInvalid
	default:
		return saidUnreachable
	}
}
