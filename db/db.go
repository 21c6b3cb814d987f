// Package db holds all SQL of the project and gives the migrations to the stores
// that apply them. It guarantees that a program carries the migrations that its
// queries were generated from, and knows no driver.
package db

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
)

var (
	// Postgres holds PostgreSQL's migrations, in postgres/migrations.
	//
	//go:embed postgres/migrations/*.sql
	Postgres embed.FS
	// SQLite holds SQLite's migrations, in sqlite/migrations.
	//
	//go:embed sqlite/migrations/*.sql
	SQLite embed.FS
)

// Origin names the first migration of those that match a pattern, by what it says. Until
// a version is released it may be rewritten, and a database that another text of it made
// cannot be brought up to date: it has another origin.
func Origin(migrations embed.FS, pattern string) (string, error) {
	files, err := fs.Glob(migrations, pattern)
	if err != nil || len(files) == 0 {
		return "", fs.ErrNotExist
	}
	text, err := migrations.ReadFile(files[0])
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}
