{{/* What a schema cannot say. */}}
{{- define "airouter.checks" -}}
{{- if regexMatch "^[0-9]" (include "airouter.fullname" .) }}
{{- fail (printf "fullnameOverride: set one that begins with a letter: %q does not, as the name of a Service must" (include "airouter.fullname" .)) }}
{{- end }}
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
{{- if and (ne .Values.router.service.type "LoadBalancer") .Values.router.service.loadBalancerClass }}
{{- fail "router.service.loadBalancerClass: is for router.service.type LoadBalancer" }}
{{- end }}
{{- if and (eq .Values.router.service.type "ClusterIP") .Values.router.service.externalTrafficPolicy }}
{{- fail "router.service.externalTrafficPolicy: is for router.service.type LoadBalancer or NodePort" }}
{{- end }}
{{- if and .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled }}
{{- fail "metrics.serviceMonitor: metrics.podMonitor scrapes the same pods, choose one" }}
{{- end }}
{{- range $part := list "router" "operator" }}
{{- range (get $.Values $part).extraEnv }}
{{- if has .name (include "airouter.ownVariables" $ | fromYamlArray) }}
{{- fail (printf "%s.extraEnv: %s follows from what else the chart says" $part .name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.operator.certManager.enabled (not .Values.operator.certManager.issuerRef.name) }}
{{- fail "operator.certManager.issuerRef: name the issuer, and its kind" }}
{{- end }}
{{- if and .Values.operator.injector.enabled (has (int .Values.operator.injector.port) (list 8081 8443)) }}
{{- fail "operator.injector.port: 8081 and 8443 are other ports of the operator" }}
{{- end }}
{{- with .Values.operator.watchNamespaces }}
{{- if and (has "*" .) (ne (len .) 1) }}
{{- fail "operator.watchNamespaces: either [\"*\"] or a list of namespaces" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Another release that has our CRDs: Helm's own message has no remedy. */}}
{{- define "airouter.crdOwner" -}}
{{- $foreign := list }}
{{- $owner := dict }}
{{- range $crd := list "routerconfigs.airouter.dev" "routerkeys.airouter.dev" }}
{{- $live := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $crd }}
{{- $annotations := dig "metadata" "annotations" dict $live }}
{{- $name := get $annotations "meta.helm.sh/release-name" }}
{{- $namespace := get $annotations "meta.helm.sh/release-namespace" }}
{{- if and $name (ne (printf "%s/%s" $namespace $name) (printf "%s/%s" $.Release.Namespace $.Release.Name)) }}
{{- $foreign = append $foreign $crd }}
{{- $owner = dict "name" $name "namespace" $namespace }}
{{- end }}
{{- end }}
{{- if $foreign }}
{{- $crds := join " " $foreign }}
{{- fail (printf "crds.install: the CRDs %s belong to the release %s in the namespace %s; set crds.install to false here. If that release is gone, take them over: kubectl annotate crd %s --overwrite meta.helm.sh/release-name=%s meta.helm.sh/release-namespace=%s" $crds $owner.name $owner.namespace $crds .Release.Name .Release.Namespace) }}
{{- end }}
{{- end }}

{{/* What somebody else would set twice, and the ports that Services and probes ask for. */}}
{{- define "airouter.ownVariables" -}}
[
  AIROUTER_HOST, AIROUTER_PORT, AIROUTER_OPERATOR_STREAM_PORT, AIROUTER_OPERATOR_HEALTH_PORT,
  AIROUTER_POD_NAME, AIROUTER_LOG_LEVEL, AIROUTER_ACCESS_LOG, AIROUTER_DRAIN_GRACE, AIROUTER_DRAIN_DEADLINE,
  AIROUTER_OPERATOR_POD_UID, AIROUTER_OPERATOR_ROUTER_URL, AIROUTER_OPERATOR_SECRET_GRACE,
  AIROUTER_OPERATOR_SECRETS_REQUIRE_LABEL, AIROUTER_OPERATOR_ALLOWED_HOSTS, AIROUTER_OPERATOR_NAMESPACE, AIROUTER_OPERATOR_SERVICE, AIROUTER_OPERATOR_WATCH, AIROUTER_OPERATOR_LOG_LEVEL,
  AIROUTER_OPERATOR_TLS_DIR, AIROUTER_OPERATOR_INJECTOR, AIROUTER_OPERATOR_INJECTOR_PORT, AIROUTER_OPERATOR_INJECTOR_WEBHOOK,
  AIROUTER_OPERATOR_INJECTOR_IMAGE, AIROUTER_OPERATOR_INJECTOR_PULL_POLICY, AIROUTER_OPERATOR_INJECTOR_ROUTER_PORT,
  AIROUTER_OPERATOR_INJECTOR_ROUTER_LOG_LEVEL, AIROUTER_OPERATOR_INJECTOR_RUN_AS_USER, AIROUTER_OPERATOR_INJECTOR_RESOURCES,
  {{- if .Values.telemetry.otlp.endpoint }}
  OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_HEADERS, OTEL_RESOURCE_ATTRIBUTES,
  {{- end }}
]
{{- end }}
