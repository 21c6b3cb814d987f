// Package db holds all SQL of the project and gives the migrations to the stores
// that apply them. It guarantees that a program carries the migrations that its
// queries were generated from, and knows no driver.
package db

import "embed"

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
