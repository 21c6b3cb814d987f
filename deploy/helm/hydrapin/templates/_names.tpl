{{- define "hydrapin.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hydrapin.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hydrapin.labels" -}}
{{ include "hydrapin.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* The files that secrets are mounted as: a list of setting, secret name and key. */ -}}
{{- define "hydrapin.secrets" -}}
{{- $onVolume := and .Values.embedded.enabled .Values.embedded.secretsOnVolume -}}
{{- if not .Values.embedded.enabled }}
- setting: HYDRAPIN_DATABASE_URL
  name: {{ required "database.urlSecret.name names the secret that holds the URL of PostgreSQL; or set embedded.enabled=true" .Values.database.urlSecret.name }}
  key: {{ .Values.database.urlSecret.key }}
{{- end }}
{{- if not $onVolume }}
- setting: HYDRAPIN_PEPPERS
  name: {{ required "peppers.secret.name names the secret that holds the peppers" .Values.peppers.secret.name }}
  key: {{ .Values.peppers.secret.key }}
- setting: HYDRAPIN_RECEIPT_KEYS
  name: {{ required "receiptKeys.secret.name names the secret that holds the receipt keys" .Values.receiptKeys.secret.name }}
  key: {{ .Values.receiptKeys.secret.key }}
{{- end }}
{{- if .Values.jwtSecret.secret.name }}
- setting: HYDRAPIN_JWT_HS256_SECRET
  name: {{ .Values.jwtSecret.secret.name }}
  key: {{ .Values.jwtSecret.secret.key }}
{{- end }}
{{- end -}}

{{- define "hydrapin.pod" -}}
metadata:
  labels:
    {{- include "hydrapin.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "hydrapin.name" . }}
  automountServiceAccountToken: false
  # Kubernetes would set HYDRAPIN_PORT and others for a service of this name.
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    # Volumes get this group, and its permissions: hence HYDRAPIN_DATA_GROUP_ACCESS.
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  # Longer than serve takes to drain.
  terminationGracePeriodSeconds: 30
  containers:
    - name: hydrapin
      image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve]
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      ports:
        - { name: http, containerPort: 8080, protocol: TCP }
      env:
        - { name: HYDRAPIN_ADDR, value: "0.0.0.0:8080" }
        {{- with .Values.publicURL }}
        - { name: HYDRAPIN_PUBLIC_URL, value: {{ . | quote }} }
        {{- end }}
        {{- if .Values.embedded.enabled }}
        - { name: HYDRAPIN_DATA_DIR, value: /data/hydrapin }
        - { name: HYDRAPIN_DATA_GROUP_ACCESS, value: "true" }
        {{- end }}
        {{- range include "hydrapin.secrets" . | fromYamlArray }}
        - { name: {{ .setting }}_FILE, value: /run/secrets/hydrapin/{{ .setting }} }
        {{- end }}
        {{- range $name, $value := .Values.settings }}
        - { name: {{ $name }}, value: {{ $value | toString | quote }} }
        {{- end }}
      # A start waits for another node that migrates the database; it is alive meanwhile.
      startupProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - { name: secrets, mountPath: /run/secrets/hydrapin, readOnly: true }
        {{- if .Values.embedded.enabled }}
        - { name: data, mountPath: /data }
        {{- end }}
  volumes:
    - name: secrets
      projected:
        defaultMode: 0440
        sources:
          {{- range include "hydrapin.secrets" . | fromYamlArray }}
          - secret:
              name: {{ .name }}
              items: [{ key: {{ .key | quote }}, path: {{ .setting }} }]
          {{- else }}
          []
          {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if not .Values.embedded.enabled }}
  topologySpreadConstraints:
    {{- range .Values.topologySpreadConstraints }}
    - {{- toYaml . | nindent 6 }}
      labelSelector:
        matchLabels:
          {{- include "hydrapin.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
{{- end -}}
