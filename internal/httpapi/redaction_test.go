package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/hydracore/hydrapin/internal/auth"
)

// No answer and no line of the log holds a PIN, a key or a token, whatever the
// answer is.
func TestNothingSecretIsToldOrLogged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	broken := bare(t, func(e *echo.Echo) {
		e.POST("/bind", func(c echo.Context) error {
			var into struct {
				PIN int `json:"pin"`
			}
			return c.Bind(&into)
		})
		e.POST("/panic", func(c echo.Context) error { panic(fmt.Errorf("pin 804615 %v", c.Request().Header)) })
		e.POST("/half", func(c echo.Context) error {
			_ = c.String(http.StatusOK, "half")
			return errors.New("late")
		})
	})
	admin, user := b.admin(t), b.Token(t, nil)
	mine := b.Token(t, func(c *auth.Claims) { c.CustomerID = b.Customer })
	statuses := map[int]bool{}
	var answers strings.Builder
	note := func(got reply) {
		statuses[got.StatusCode] = true
		answers.WriteString(got.text)
		_ = got.Header.Write(&answers)
	}
	try := func(method, path, body string, edits ...edit) { note(b.call(t, method, path, body, edits...)) }
	bodies := []string{
		`{"pin":"804615"}`, `{"pin":"804615","current_pin":"492750"}`, `{"pin":804615}`, `{"pin":"804615x"}`, `{"pin":"80461504927508"}`,
		`{"pin":["804615"],"current_pin":{"a":"492750"}}`, `{"pin":"804615`, `"804615"`, `804615`, `{"pin":"804615"}804615`,
		`{"pin":"804615","pin":"492750"}`, `{"skill":"804615 ","role":"804615","customer_id":"804615","action":{"summary":"","params":{"pin":8046150000000000000000001}}}`,
	}
	for _, op := range operations {
		path := b.at(op.path) + "?pin=804615&key=" + b.Key
		for _, e := range []edit{
			key(b.Key), key(b.RuntimeKey), bearer(admin), bearer(user), bearer(mine),
			key(changeLast(b.Key)), key(changeLast(b.RuntimeKey)), bearer(changeLast(admin)), bearer(b.Key), key(admin),
			header("Authorization", "Basic "+admin), header("Authorization", b.Key), header("X-Api-Key", b.Key+","+b.RuntimeKey),
		} {
			try(op.method, path, bodies[0], e)
		}
		if op.body == "" {
			continue
		}
		for _, body := range bodies[1:] {
			try(op.method, path, body, key(b.Key))
			try(op.method, path, body, key(b.RuntimeKey))
		}
	}
	id := b.pending(t)
	// The tokens of links are in the answers that create them, and nowhere in the log.
	links := map[string]string{
		"a PIN link":            b.call(t, "POST", b.customerPIN()+"-links", "", key(b.Key)).want(t, 201).fields(t)["url"].(string),
		"a confirmation's link": b.on(t, "GET", id, "", "").want(t, 200).fields(t)["confirm_url"].(string),
	}
	form := header("Content-Type", "application/x-www-form-urlencoded")
	for _, link := range links {
		path := strings.TrimPrefix(link, b.URL)
		try("GET", path, "")
		try("POST", path, "decision=confirm&used=0&pin=492750&pin_again=804615", form)
		try("POST", path, "pin=804615", key(b.Key))
	}
	try("POST", b.internalPath("/confirmations/"+id+"/redeem"), `{"params":{"pin":"804615"}}`, key(b.RuntimeKey))
	for _, body := range []string{`{"pin":"492750"}`, `{"pin":"492750"}`, `{"pin":"492750"}`, `{"pin":"492750"}`, `{"pin":"492750"}`, `{"pin":"804615"}`} {
		try("POST", b.internalPath("/confirmations/"+id+"/verify"), body, key(b.RuntimeKey))
	}
	try("POST", b.customerPIN(), strings.Repeat("804615", 20000), key(b.Key))
	try("POST", b.customerPIN(), "804615", key(b.Key), func(r *http.Request) { r.Header.Set("Content-Type", "804615/492750") })
	try("PATCH", b.policyPath(), `{}`, key(b.Key), header("If-Match", `"804615"`))
	try("PATCH", b.policyPath(), `{}`, key(b.Key), header("If-Match", `804615`))
	try("GET", "/v1/customers/804615/pin", "", key(b.Key))
	try("GET", "/v1/804615", "", key(b.Key))
	note(broken.call(t, "POST", "/bind", `{"pin":"804615"}`, key(b.Key)))
	note(broken.call(t, "POST", "/panic", `{"pin":"804615"}`, key(b.Key)))
	note(broken.call(t, "POST", "/half", `{"pin":"804615"}`, key(b.Key)))
	must(t, b.Node.Database().Close())
	try("POST", b.customerPIN(), `{"pin":"804615"}`, key(b.Key))

	for _, status := range []int{200, 204, 401, 403, 404, 409, 412, 413, 415, 422, 423, 500} {
		if !statuses[status] {
			t.Errorf("no answer was a %d", status)
		}
	}
	log := b.Log.String() + broken.Log.String()
	for name, link := range links {
		if strings.Contains(log, link[strings.LastIndexByte(link, '/')+1:]) {
			t.Errorf("the log holds %s", name)
		}
	}
	for name, secret := range map[string]string{
		"a PIN": goodPIN, "another PIN": otherPIN, "a key": b.Key[25:], "a runtime key": b.RuntimeKey[26:],
		"a token": admin[strings.LastIndex(admin, "."):], "a user's token": user[strings.LastIndex(user, "."):],
	} {
		if strings.Contains(answers.String(), secret) {
			t.Errorf("an answer holds %s", name)
		}
		if i := strings.Index(log, secret); i >= 0 {
			t.Errorf("the log holds %s: %s", name, log[max(0, i-200):i])
		}
	}
}
