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
	TTL      lifetime `name:"ttl" default:"1h" placeholder:"1h" help:"How long the token lives, at most 24h."`
}

// Help implements kong.HelpProvider.
func (token) Help() string {
	return `The token is signed with HYDRAPIN_JWT_HS256_SECRET, or with the data folder's secret. It is for trying things:
your own login service signs what your users carry.

Example:

    hydrapin token --tenant 6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b --admin --ttl 15m`
}

// Run signs a token.
func (t token) Run(a *app) error {
	if t.TTL.Duration > auth.MaxTokenLifetime {
		return usage("--ttl is more than %s, and no server would take the token", auth.MaxTokenLifetime)
	}
	cfg, err := config.LoadToken(a.environ)
	if err != nil {
		return err
	}
	if cfg.JWKS != "" {
		return errors.New("HYDRAPIN_JWT_JWKS is set, so tokens are signed with keys that are not here: ask your login service for one")
	}
	if cfg.Embedded() {
		if cfg, err = cfg.ReadFolder(); err != nil {
			return err
		}
	}
	if cfg.JWTSecret.IsZero() {
		if cfg.Embedded() {
			return fmt.Errorf("no secret is in the data folder %s: start %s serve once, or set HYDRAPIN_DATA_DIR or HYDRAPIN_JWT_HS256_SECRET", cfg.DataDir, programName)
		}
		return errors.New("no secret to sign with: set HYDRAPIN_JWT_HS256_SECRET to what the server has")
	}
	claims := auth.Claims{
		Subject: programName + "-cli", Tenant: t.Tenant.UUID, Admin: t.Admin, Issuer: cfg.JWTIssuer, Audience: cfg.JWTAudience,
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
