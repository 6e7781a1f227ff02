{{/* What an object is called and labelled. The argument of these three: the root, and the component's name. */}}
{{- define "metadata" -}}
name: {{ (index . 0).Release.Name }}-{{ index . 1 }}
labels:
  {{- include "labels" . | nindent 2 }}
  app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
{{- end }}

{{- define "labels" -}}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "labels" . | nindent 6 }}
{{- end }}

{{/* Seconds that gunicorn gives its last requests, as gunicorn.conf.py has it: a Pix is three calls of Appmax. */}}
{{- define "longestRequest" -}}
{{- add (mul 3 (add 3 (.Values.config.APPMAX_TIMEOUT | default "30" | int))) 11 -}}
{{- end }}

{{/* Seconds that a proxy waits for an answer. */}}
{{- define "proxyTimeout" -}}
{{- add (include "longestRequest" . | int) 5 -}}
{{- end }}

{{/* DB_MAX_OPEN_CONNS of a pod: what settings.py takes off for a worker, and a share for the web's processes in it. */}}
{{- define "connections" -}}
{{- $worker := 7 -}}
{{- $workers := mul $worker (add (max .Values.worker.replicas .Values.worker.maxReplicas) 1) -}}
{{- $pods := add (max .Values.app.replicas .Values.app.maxReplicas) (max .Values.quick.replicas .Values.quick.maxReplicas) 4 -}}
{{- $share := div (sub .Values.database.maxConnections (add $workers 2)) $pods -}}
{{- if lt $share (int64 .Values.web.processes) -}}
{{- fail (printf "database.maxConnections is too small: of %v connections, %v are for workers and migrations, and each of %v pods of the web would have %v for %v processes; docs/capacity.md tells of PgBouncer" .Values.database.maxConnections (add $workers 2) $pods $share .Values.web.processes) -}}
{{- end -}}
{{- add $share $worker -}}
{{- end }}

{{/* The variables of a container. The argument: the root, and a mapping of those that are this container's own. */}}
{{- define "env" -}}
{{- $values := (index . 0).Values -}}
{{- $variables := merge (dict) (index . 1) (dict
  "WEB_CONCURRENCY" (toString $values.web.processes) "DB_MAX_OPEN_CONNS" (include "connections" (index . 0))) -}}
{{- if $values.database.caSecret -}}
{{- $variables = merge $variables (dict "DB_SSLMODE" "verify-full" "DB_SSLROOTCERT" "/run/ca/postgresql/ca.crt") -}}
{{- end -}}
{{- if $values.redis.caSecret -}}
{{- $variables = merge $variables (dict "REDIS_TLS" "true" "REDIS_SSLROOTCERT" "/run/ca/redis/ca.crt") -}}
{{- end -}}
{{- range $name, $value := merge $variables $values.config }}
{{- if ne $value "" }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{/* What all containers have in common. */}}
{{- define "container" -}}
image: {{ .Values.image.repository }}:{{ .Values.image.tag }}
envFrom: [{secretRef: {name: {{ .Values.secretName }}}}]
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .Values.database.caSecret }}
- {name: postgresql-ca, mountPath: /run/ca/postgresql, readOnly: true}
{{- end }}
{{- if .Values.redis.caSecret }}
- {name: redis-ca, mountPath: /run/ca/redis, readOnly: true}
{{- end }}
{{- end }}

{{- define "volumes" -}}
- {name: tmp, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
{{- with .Values.database.caSecret }}
- {name: postgresql-ca, secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}}
{{- end }}
{{- with .Values.redis.caSecret }}
- {name: redis-ca, secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}}
{{- end }}
{{- end }}

{{/* What all pods have in common. The argument: the root, and the component's name. */}}
{{- define "pod" -}}
{{- $values := (index . 0).Values -}}
automountServiceAccountToken: false
enableServiceLinks: false # a Service that is called redis would set REDIS_PORT
securityContext:
  runAsNonRoot: true
  runAsUser: 10001 # the image's
  runAsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "labels" . | nindent 8 }}
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.scheduling }}
{{ toYaml . }}
{{- end }}
{{- end }}
