package cli

import (
	"io"
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"

	"github.com/hydracore/hydrapin/internal/config"
)

// newLogger returns the logger that the settings ask for, on w.
func newLogger(w io.Writer, cfg config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	f, isFile := w.(*os.File)
	if cfg.LogFormat == "text" || cfg.LogFormat == "" && isFile && isatty.IsTerminal(f.Fd()) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
