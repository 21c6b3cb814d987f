package cli

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"

	"github.com/hydracore/hydrapin/internal/service"
	"github.com/hydracore/hydrapin/internal/trail"
)

type auditCommands struct {
	Export auditExport `cmd:"" help:"Write the audit trail of a tenant, with its proofs, to a file."`
	Verify auditVerify `cmd:"" help:"Check an exported trail, or the proof of one event, offline."`
	Prove  auditProve  `cmd:"" help:"Prove one event to a third party, without showing another."`
}

type auditExport struct {
	File   string `arg:"" placeholder:"FILE" help:"The file to write."`
	Tenant id     `required:"" placeholder:"UUID" help:"The tenant whose trail is exported."`
	Seal   bool   `help:"Verify the file and record that its events are exported, so that HYDRAPIN_AUDIT_RETENTION may remove them. Keep the file: it is then the only copy."`
}

// Help implements kong.HelpProvider.
func (auditExport) Help() string {
	return `The file is JSON lines: first the signed head, then every event with its leaf and hash, and after each 256 events the proof
of their subtree. "hydrapin audit verify" checks it without a database. What is written is what the database holds, whether or
not it is intact. An export that was interrupted goes on where it ended: it is in FILE.partial until it is complete.
The command works beside a running serve and needs no peppers.

Example:

    hydrapin audit export trail.jsonl --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b`
}

// Run writes an export.
func (e auditExport) Run(ctx context.Context, a *app) error {
	if _, err := os.Stat(e.File); err == nil {
		return fmt.Errorf("the file %s is there already; choose another, or remove it", e.File)
	}
	return a.withService(ctx, func(s *service.Service) error {
		if err := e.write(ctx, a, s); err != nil {
			return err
		}
		if !e.Seal {
			return nil
		}
		_, keys, err := s.TrailLog(ctx)
		if err != nil {
			return err
		}
		known := make([]trail.PublicKey, 0, len(keys))
		for _, k := range keys {
			known = append(known, trail.PublicKey{ID: k.ID, Key: k.PublicKey})
		}
		done, err := verifyFile(a, e.File, trail.Verification{Keys: known})
		if err != nil {
			return fmt.Errorf("the trail is not sealed: %w", err)
		}
		if err := s.SealTrail(ctx, service.Operator(e.Tenant.UUID), done.Head); err != nil {
			return err
		}
		fmt.Fprintf(a.stderr, "Sealed: the first %d events may be removed after their retention. Keep %s.\n", done.Head.Size, e.File)
		return nil
	})
}

// partialSuffix is behind the name of an export that is not complete.
const partialSuffix = ".partial"

// write writes the file, or goes on with it.
func (e auditExport) write(ctx context.Context, a *app, s *service.Service) error {
	file, err := os.OpenFile(e.File+partialSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("the export cannot be written: %w", err)
	}
	defer func() { _ = file.Close() }()
	size, _, next, whole, err := trail.Resume(file)
	if err != nil {
		return fmt.Errorf("%s%s is not an export that was interrupted: %w; remove it", e.File, partialSuffix, err)
	}
	if err := errors.Join(file.Truncate(whole), seekTo(file, whole)); err != nil {
		return fmt.Errorf("the export cannot be written: %w", err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	exporter := trail.NewExporter(out, size)
	if size < 0 {
		var head string
		if head, size, err = s.SignedHead(ctx, e.Tenant.UUID); err != nil {
			return noTrail(err)
		}
		exporter = trail.NewExporter(out, size)
		if err := exporter.Begin(head); err != nil {
			return err
		}
	}
	bar := a.progress("exported", size)
	for next < size {
		if next, err = exportBlock(ctx, s, exporter, e.Tenant.UUID, next, size); err != nil {
			return errors.Join(err, out.Flush())
		}
		bar.show(next)
	}
	bar.end()
	if err := errors.Join(out.Flush(), file.Sync(), file.Close(), os.Rename(file.Name(), e.File)); err != nil {
		return fmt.Errorf("the export cannot be written: %w", err)
	}
	fmt.Fprintf(a.stderr, "%d events are in %s. Check them with: %s audit verify %s --key KEY\n", size, e.File, a.program, e.File)
	return nil
}

func seekTo(file io.Seeker, offset int64) error {
	_, err := file.Seek(offset, io.SeekStart)
	return err
}

// exportBlock writes the events of a block that are left, and its proof.
func exportBlock(ctx context.Context, s *service.Service, out *trail.Exporter, tenant uuid.UUID, next, size int64) (int64, error) {
	block := next / trail.BlockSize
	events, err := s.ExportEvents(ctx, tenant, next, min((block+1)*trail.BlockSize, size))
	if err != nil {
		return next, err
	}
	for _, event := range events {
		if err := out.Event(event); err != nil {
			return next, err
		}
	}
	proof, err := s.ExportBlock(ctx, tenant, block, size)
	if err != nil {
		return next, err
	}
	return next + int64(len(events)), out.Block(block, proof)
}

// noTrail explains that a tenant has no head.
func noTrail(err error) error {
	if errors.Is(err, service.ErrNotFound) {
		return errors.New("the tenant has no audit trail yet; events get their place in it while a server runs")
	}
	return err
}

type auditVerify struct {
	File string   `arg:"" placeholder:"FILE" help:"What audit export or audit prove wrote."`
	Head string   `placeholder:"FILE" help:"A head of the same trail that was kept earlier, from the API, a log or an older export."`
	Key  []string `required:"" placeholder:"KEY" help:"The log's public key in base64, as a signed note's verifier key, or a saved /.well-known/hydrapin-log.json. May be repeated."`
}

// Help implements kong.HelpProvider.
func (auditVerify) Help() string {
	return `Nothing is sent anywhere. The first event that was changed, removed, added or swapped is named, or, where hashes were altered
too, its block of 256. The exit code is then 1. Without a head that was kept earlier, neither a cut end nor a complete
rewrite by whoever has the log's key can be seen: keep heads outside of the database. docs/audit.md says more.

Example:

    curl -s https://pin.example.com/.well-known/hydrapin-log.json > log.json
    hydrapin audit verify trail.jsonl --key log.json --head head-of-october.txt`
}

// Run verifies a file.
func (v auditVerify) Run(a *app) error {
	var with trail.Verification
	for _, text := range v.Key {
		keys, err := readKeys(text)
		if err != nil {
			return err
		}
		with.Keys = append(with.Keys, keys...)
	}
	if v.Head != "" {
		head, err := readHead(v.Head)
		if err != nil {
			return err
		}
		with.Kept = head
	}
	if proof, ok := readProof(v.File); ok {
		head, err := proof.Check(with.Keys)
		if err != nil {
			return fmt.Errorf("%s does not prove its event: %w", v.File, err)
		}
		fmt.Fprintf(a.stdout, "OK: event %d is in the trail %s, whose head covers %d events:\n%s\n", proof.Index, head.Origin, head.Size, proof.Leaf)
		return nil
	}
	done, err := verifyFile(a, v.File, with)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "OK: %d events of %s\n", done.Head.Size, done.Head.Origin)
	if done.Removed > 0 {
		fmt.Fprintf(a.stdout, "%d events were removed after their retention, as the trail itself says; their hashes are intact.\n", done.Removed)
	}
	if done.Kept.Size > 0 {
		fmt.Fprintf(a.stdout, "The first %d events are those of the head that was kept.\n", done.Kept.Size)
	} else {
		fmt.Fprintln(a.stdout, "No head was given that was kept earlier: a cut end or a complete rewrite would not show.")
	}
	return nil
}

func verifyFile(a *app, name string, with trail.Verification) (trail.Verified, error) {
	file, err := os.Open(name)
	if err != nil {
		return trail.Verified{}, fmt.Errorf("the export cannot be read: %w", err)
	}
	defer func() { _ = file.Close() }()
	bar := a.progress("verified", 0)
	with.Progress = func(checked, size int64) {
		bar.size = size
		bar.show(checked)
	}
	done, err := trail.Verify(file, with)
	bar.end()
	if err != nil {
		return trail.Verified{}, fmt.Errorf("%s is not intact: %w", name, err)
	}
	return done, nil
}

// readKeys reads public keys from what --key accepts.
func readKeys(text string) ([]trail.PublicKey, error) {
	if content, err := os.ReadFile(text); err == nil {
		if keys, err := trail.ParseLog(content); err == nil {
			return keys, nil
		}
		text = strings.TrimSpace(string(content))
	}
	if n := strings.LastIndex(text, "+"); n >= 0 && strings.Count(text, "+") >= 2 {
		if raw, err := base64.StdEncoding.DecodeString(verifierPart(text)); err == nil && len(raw) == ed25519.PublicKeySize+1 && raw[0] == 1 {
			return []trail.PublicKey{{Key: raw[1:]}}, nil
		}
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, usage("--key is neither a file that can be read, nor an Ed25519 public key in base64, nor a verifier key of a signed note")
	}
	return []trail.PublicKey{{Key: raw}}, nil
}

// verifierPart is the key of a verifier key, which is name+hash+key; the key may hold a plus.
func verifierPart(text string) string {
	_, rest, _ := strings.Cut(text, "+")
	_, key, _ := strings.Cut(rest, "+")
	return key
}

// readHead reads a head from a file: as the API returns it, or as the first line of an export has
// it.
func readHead(name string) (string, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("the head that was kept cannot be read: %w", err)
	}
	var first struct{ Head string }
	line, _, _ := strings.Cut(string(content), "\n")
	if json.Unmarshal([]byte(line), &first) == nil && first.Head != "" {
		return first.Head, nil
	}
	return string(content), nil
}

// readProof reads a file that audit prove wrote, if it is one.
func readProof(name string) (trail.EventProof, bool) {
	const most = 1 << 20
	file, err := os.Open(name)
	if err != nil {
		return trail.EventProof{}, false
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return trail.EventProof{}, false
	}
	proof, err := trail.ParseEventProof(content)
	return proof, err == nil
}

type auditProve struct {
	Tenant id    `required:"" placeholder:"UUID" help:"The tenant whose event is proved."`
	Index  int64 `required:"" placeholder:"N" help:"The index of the event."`
}

// Help implements kong.HelpProvider.
func (auditProve) Help() string {
	return `The proof is printed as JSON: the event, its path in the Merkle tree and the signed head. Whoever has the log's public key
checks it with "hydrapin audit verify"; it shows no other event.

Example:

    hydrapin audit prove --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --index 42 > event-42.json
    hydrapin audit verify event-42.json --key log.json`
}

// Run prints a proof.
func (p auditProve) Run(ctx context.Context, a *app) error {
	return a.withService(ctx, func(s *service.Service) error {
		proof, err := s.ProveEvent(ctx, p.Tenant.UUID, p.Index)
		if errors.Is(err, service.ErrNotFound) {
			return fmt.Errorf("the audit trail of the tenant has no event %d, or it was removed after its retention", p.Index)
		}
		if err != nil {
			return err
		}
		return a.printJSON(proof)
	})
}
