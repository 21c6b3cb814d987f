package deploy_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

var chartDir = filepath.Join(root, "deploy/helm/hydrapin")

// values are those of one way to install the chart.
type values = map[string]any

var (
	onPostgres = values{"database": values{"urlSecret": values{"name": "hydrapin-database"}}}
	embedded   = values{"embedded": values{"enabled": true}}
)

// loadChart returns the chart, which is changed by rendering it.
func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render renders the chart as helm install does.
func render(t *testing.T, v values) (map[string]string, error) {
	t.Helper()
	c := loadChart(t)
	all, err := chartutil.ToRenderValues(c, v, chartutil.ReleaseOptions{
		Name: "pins", Namespace: "agents", IsInstall: true,
	}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// manifests is what a rendering creates, by kind. A field that Kubernetes does not know fails
// the test.
type manifests map[string]any

func manifestsOf(t *testing.T, v values) manifests {
	t.Helper()
	files, err := render(t, v)
	if err != nil {
		t.Fatal(err)
	}
	all := manifests{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for _, document := range strings.Split(files[name], "\n---\n") {
			if strings.TrimSpace(document) == "" {
				continue
			}
			var named struct{ Kind string }
			if err := yaml.Unmarshal([]byte(document), &named); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, document)
			}
			into := map[string]any{
				"Deployment": &appsv1.Deployment{}, "StatefulSet": &appsv1.StatefulSet{}, "Service": &corev1.Service{},
				"ServiceAccount": &corev1.ServiceAccount{}, "PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
				"NetworkPolicy": &networkingv1.NetworkPolicy{}, "Ingress": &networkingv1.Ingress{},
			}[named.Kind]
			if into == nil {
				t.Fatalf("%s: unexpected kind %q", name, named.Kind)
			}
			if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, document)
			}
			all[named.Kind] = into
		}
	}
	return all
}

func (m manifests) kinds() []string { return slices.Sorted(maps.Keys(m)) }

// environment returns the variables of a pod's one container.
func environment(t *testing.T, pod corev1.PodSpec) map[string]string {
	t.Helper()
	if len(pod.Containers) != 1 {
		t.Fatalf("the pod has %d containers", len(pod.Containers))
	}
	env := map[string]string{}
	for _, e := range pod.Containers[0].Env {
		env[e.Name] = e.Value
	}
	return env
}

// helm lint has nothing against the chart, however it is installed.
func TestChartLint(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]values{"PostgreSQL": onPostgres, "embedded": embedded} {
		linted := lint.AllWithKubeVersionAndSchemaValidation(chartDir, v, "agents", &chartutil.DefaultCapabilities.KubeVersion, false)
		for _, m := range linted.Messages {
			// An icon is optional.
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

func TestChartOnPostgres(t *testing.T) {
	t.Parallel()
	v := maps.Clone(onPostgres)
	v["settings"] = values{"HYDRAPIN_REDEEM_WITHIN": "60s", "HYDRAPIN_LOCK_AFTER": 4}
	v["publicURL"] = "https://pins.example.com"
	m := manifestsOf(t, v)
	want := []string{"Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount"}
	if got := m.kinds(); !slices.Equal(got, want) {
		t.Fatalf("the chart creates %v, want %v", got, want)
	}
	d := m["Deployment"].(*appsv1.Deployment)
	if *d.Spec.Replicas != 2 {
		t.Errorf("%d replicas", *d.Spec.Replicas)
	}
	checkPod(t, d.Spec.Template.Spec)
	env := environment(t, d.Spec.Template.Spec)
	for name, value := range map[string]string{
		"HYDRAPIN_ADDR":              "0.0.0.0:8080",
		"HYDRAPIN_PUBLIC_URL":        "https://pins.example.com",
		"HYDRAPIN_REDEEM_WITHIN":     "60s",
		"HYDRAPIN_LOCK_AFTER":        "4",
		"HYDRAPIN_DATABASE_URL_FILE": "/run/secrets/hydrapin/HYDRAPIN_DATABASE_URL",
		"HYDRAPIN_PEPPERS_FILE":      "/run/secrets/hydrapin/HYDRAPIN_PEPPERS",
		"HYDRAPIN_RECEIPT_KEYS_FILE": "/run/secrets/hydrapin/HYDRAPIN_RECEIPT_KEYS",
	} {
		if env[name] != value {
			t.Errorf("%s=%q, want %q", name, env[name], value)
		}
	}
	var files []string
	for _, source := range d.Spec.Template.Spec.Volumes[0].Projected.Sources {
		files = append(files, source.Secret.Name+"/"+source.Secret.Items[0].Key+" "+source.Secret.Items[0].Path)
	}
	if want := []string{
		"hydrapin-database/url HYDRAPIN_DATABASE_URL", "hydrapin-keys/peppers HYDRAPIN_PEPPERS",
		"hydrapin-keys/receipt-keys HYDRAPIN_RECEIPT_KEYS",
	}; !slices.Equal(files, want) {
		t.Errorf("the secrets are %v, want %v", files, want)
	}
	// The service, the budget and the policy are of these pods.
	selected := d.Spec.Template.Labels
	for kind, selector := range map[string]map[string]string{
		"Deployment":          d.Spec.Selector.MatchLabels,
		"Service":             m["Service"].(*corev1.Service).Spec.Selector,
		"PodDisruptionBudget": m["PodDisruptionBudget"].(*policyv1.PodDisruptionBudget).Spec.Selector.MatchLabels,
		"NetworkPolicy":       m["NetworkPolicy"].(*networkingv1.NetworkPolicy).Spec.PodSelector.MatchLabels,
	} {
		if len(selector) == 0 {
			t.Errorf("%s selects nothing", kind)
		}
		for label, value := range selector {
			if selected[label] != value {
				t.Errorf("%s selects %s=%s, the pods have %q", kind, label, value, selected[label])
			}
		}
	}
	policy := m["NetworkPolicy"].(*networkingv1.NetworkPolicy).Spec
	if len(policy.PolicyTypes) != 2 || len(policy.Ingress) != 1 || len(policy.Egress) != 2 {
		t.Errorf("the network policy is %+v", policy)
	}
}

func TestChartEmbedded(t *testing.T) {
	t.Parallel()
	m := manifestsOf(t, embedded)
	want := []string{"NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount", "StatefulSet"}
	if got := m.kinds(); !slices.Equal(got, want) {
		t.Fatalf("the chart creates %v, want %v", got, want)
	}
	s := m["StatefulSet"].(*appsv1.StatefulSet)
	pod := s.Spec.Template.Spec
	checkPod(t, pod)
	env := environment(t, pod)
	if *s.Spec.Replicas != 1 || env["HYDRAPIN_DATA_GROUP_ACCESS"] != "true" || pod.SecurityContext.FSGroup == nil {
		t.Errorf("%d replicas, %v", *s.Spec.Replicas, env)
	}
	// The data folder is created by the server itself, below the volume's own root.
	mounted := pod.Containers[0].VolumeMounts[1].MountPath
	if folder := env["HYDRAPIN_DATA_DIR"]; filepath.Dir(folder) != mounted {
		t.Errorf("the data folder %s is not in %s", folder, mounted)
	}
	if len(s.Spec.VolumeClaimTemplates) != 1 {
		t.Error("no volume is claimed")
	}
	for name := range env {
		if strings.HasSuffix(name, "_FILE") {
			t.Errorf("%s is set, and the volume has the secrets", name)
		}
	}
}

// checkPod checks what every pod has: three probes, and no rights.
func checkPod(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	c := pod.Containers[0]
	if c.StartupProbe == nil || c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Errorf("the probes are %v, %v, %v", c.StartupProbe, c.LivenessProbe, c.ReadinessProbe)
	}
	if !*pod.SecurityContext.RunAsNonRoot || !*c.SecurityContext.ReadOnlyRootFilesystem || *c.SecurityContext.AllowPrivilegeEscalation ||
		fmt.Sprint(c.SecurityContext.Capabilities.Drop) != "[ALL]" || *pod.AutomountServiceAccountToken || *pod.EnableServiceLinks {
		t.Error("the pod has rights that it does not need")
	}
	if *pod.TerminationGracePeriodSeconds <= 10 {
		t.Error("the pod is killed while serve drains")
	}
}

func TestChartIngress(t *testing.T) {
	t.Parallel()
	v := maps.Clone(onPostgres)
	v["ingress"] = values{"enabled": true, "host": "pins.example.com", "tlsSecret": "pins-tls"}
	i := manifestsOf(t, v)["Ingress"].(*networkingv1.Ingress)
	if i.Spec.TLS[0].SecretName != "pins-tls" || i.Spec.Rules[0].Host != "pins.example.com" {
		t.Errorf("the ingress is %+v", i.Spec)
	}
	for _, path := range i.Spec.Rules[0].HTTP.Paths {
		if path.Path == "/" || strings.HasPrefix(path.Path, "/internal") || strings.HasPrefix(path.Path, "/metrics") {
			t.Errorf("%s is public", path.Path)
		}
	}
}

// What cannot work is refused as the chart is rendered, with what to do.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for says, v := range map[string]values{
		"database.urlSecret.name": {},
		"peppers.secret.name":     {"database": onPostgres["database"], "peppers": values{"secret": values{"name": ""}}},
		"ingress.host":            {"database": onPostgres["database"], "ingress": values{"enabled": true}},
		"replicas":                {"database": onPostgres["database"], "replicas": 0},
		"repicas":                 {"database": onPostgres["database"], "repicas": 3},
		"pepper":                  {"database": onPostgres["database"], "settings": values{"PEPPER": "x"}},
	} {
		if _, err := render(t, v); err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(says)) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
