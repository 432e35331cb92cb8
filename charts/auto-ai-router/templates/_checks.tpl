{{/* What a schema cannot say. */}}
{{- define "airouter.checks" -}}
{{- with .Values.router }}
{{- if and .autoscaling.enabled .keda.enabled }}
{{- fail "router.autoscaling.enabled and router.keda.enabled: both would scale the same Deployment, choose one" }}
{{- end }}
{{- if and .keda.enabled (not .keda.serverAddress) }}
{{- fail "router.keda.serverAddress: KEDA needs the address of Prometheus, such as http://prometheus-operated.monitoring:9090" }}
{{- end }}
{{- if and .autoscaling.enabled (not .autoscaling.targetCPU) (not .autoscaling.targetInFlight) }}
{{- fail "router.autoscaling: set targetCPU or targetInFlight" }}
{{- end }}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) }}
{{- fail "router.httpRoute.parentRefs: name the Gateway that the route belongs to" }}
{{- end }}
{{- if and .drain.preStopSeconds (semverCompare "<1.30-0" $.Capabilities.KubeVersion.Version) }}
{{- fail "router.drain.preStopSeconds: needs Kubernetes 1.30 or newer; raise router.drain.graceSeconds instead" }}
{{- end }}
{{- end }}
{{- range $part := list "router" "operator" }}
{{- range (get $.Values $part).extraEnv }}
{{- if has .name (include "airouter.ownVariables" $ | fromYamlArray) }}
{{- fail (printf "%s.extraEnv: %s follows from what else the chart says" $part .name) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.operator.watchNamespaces }}
{{- if and (has "*" .) (ne (len .) 1) }}
{{- fail "operator.watchNamespaces: either [\"*\"] or a list of namespaces" }}
{{- end }}
{{- end }}
{{- end }}

{{/* What somebody else would set twice, and the ports that Services and probes ask for. */}}
{{- define "airouter.ownVariables" -}}
[
  AIROUTER_HOST, AIROUTER_PORT, AIROUTER_OPERATOR_STREAM_PORT, AIROUTER_OPERATOR_HEALTH_PORT,
  AIROUTER_POD_NAME, AIROUTER_LOG_LEVEL, AIROUTER_ACCESS_LOG, AIROUTER_DRAIN_GRACE, AIROUTER_DRAIN_DEADLINE,
  AIROUTER_OPERATOR_POD_UID, AIROUTER_OPERATOR_SECRET_GRACE,
  AIROUTER_OPERATOR_SECRETS_REQUIRE_LABEL, AIROUTER_OPERATOR_ALLOWED_HOSTS, AIROUTER_OPERATOR_NAMESPACE, AIROUTER_OPERATOR_SERVICE, AIROUTER_OPERATOR_WATCH, AIROUTER_OPERATOR_LOG_LEVEL,
  {{- if .Values.telemetry.otlp.endpoint }}
  OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_HEADERS, OTEL_RESOURCE_ATTRIBUTES,
  {{- end }}
]
{{- end }}
