package cli

import (
	"errors"
	"fmt"

	"github.com/hydracore/hydrapin/internal/auth"
	"github.com/hydracore/hydrapin/internal/config"
)

type token struct {
	Tenant   id       `required:"" placeholder:"UUID" help:"The tenant_id of the token."`
	Customer *id      `placeholder:"UUID" help:"The customer_id of the token: its bearer is this customer."`
	Admin    bool     `help:"Whether is_admin is true: its bearer may set PINs and policies."`
	TTL      lifetime `name:"ttl" default:"1h" placeholder:"1h" help:"How long the token lives, at most HYDRAPIN_JWT_MAX_LIFETIME (24h)."`
}

// Help implements kong.HelpProvider.
func (token) Help() string {
	return `The token is signed with HYDRAPIN_JWT_HS256_SECRET, or with the data folder's secret, and has the claim names that the settings say. It is for trying
things: your own login service signs the tokens of your users.

Example:

    hydrapin token --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --admin --ttl 15m`
}

// Run signs a token.
func (t token) Run(a *app) error {
	cfg, err := config.LoadToken(a.environ)
	if err != nil {
		return err
	}
	if t.TTL.Duration > cfg.JWTMaxLifetime {
		return usage("--ttl is more than %s, and the server would refuse the token; use a shorter one, or raise HYDRAPIN_JWT_MAX_LIFETIME", cfg.JWTMaxLifetime)
	}
	if cfg.JWKS != "" {
		return errors.New("HYDRAPIN_JWT_JWKS is set, so tokens are signed with keys that are not on this machine: ask your login service for one")
	}
	if cfg.Embedded() {
		if cfg, err = cfg.ReadFolder(); err != nil {
			return err
		}
	}
	if cfg.JWTSecret.IsZero() {
		if cfg.Embedded() {
			return fmt.Errorf("there is no secret in the data folder %s: start %s serve once, or set HYDRAPIN_DATA_DIR or HYDRAPIN_JWT_HS256_SECRET", cfg.DataDir, programName)
		}
		return errors.New("there is no secret to sign with: set HYDRAPIN_JWT_HS256_SECRET to the server's")
	}
	claims := auth.Claims{
		Subject: programName + "-cli", Tenant: t.Tenant.UUID, Admin: t.Admin, Issuer: cfg.JWTIssuer, Audience: cfg.JWTAudience,
		Names: cfg.JWTClaims,
	}
	if t.Customer != nil {
		claims.CustomerID = t.Customer.UUID
	}
	signed, err := auth.MintHS256(cfg.JWTSecret, claims, t.TTL.Duration)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, signed)
	return err
}
