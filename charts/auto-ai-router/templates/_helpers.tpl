{{/* Names and labels. A part of the chart is asked for as (list $ "router") or (list $ "operator"). */}}

{{- define "airouter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for "-operator", or "-demo-" and a number, after it. */}}
{{- define "airouter.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- $made := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $made | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "airouter.partName" -}}
{{- $name := include "airouter.fullname" (first .) }}
{{- eq (last .) "router" | ternary $name (printf "%s-operator" $name) }}
{{- end }}

{{- define "airouter.selector" -}}
app.kubernetes.io/name: {{ include "airouter.name" (first .) | quote }}
app.kubernetes.io/instance: {{ (first .).Release.Name | quote }}
app.kubernetes.io/component: {{ last . | quote }}
{{- end }}

{{/* Of anything that belongs to no part: (list $ ""). */}}
{{- define "airouter.labels" -}}
{{- $root := first . -}}
{{ include "airouter.podLabels" . }}
app.kubernetes.io/managed-by: {{ $root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Nothing in which a new version of the chart alone would replace the pods. */}}
{{- define "airouter.podLabels" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ include "airouter.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
{{- with last . }}
app.kubernetes.io/component: {{ . | quote }}
{{- end }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: auto-ai-router
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "airouter.metadata" -}}
{{- $root := first . -}}
name: {{ include "airouter.partName" . | quote }}
namespace: {{ $root.Release.Namespace | quote }}
labels: {{- include "airouter.labels" . | nindent 2 }}
{{- end }}

{{- define "airouter.serviceAccountName" -}}
{{- with (get (first .).Values (last .)).serviceAccount }}
{{- .name | default (.create | ternary (include "airouter.partName" $) "default") }}
{{- end }}
{{- end }}

{{- define "airouter.image" -}}
{{- with (get (first .).Values (last .)).image }}
{{- with .registry }}{{ . }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default (first $).Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "airouter.demoName" -}}
{{ include "airouter.fullname" . }}-demo
{{- end }}

{{/* The RouterConfig that routers serve. */}}
{{- define "airouter.config" -}}
{{- .Values.demo.enabled | ternary (include "airouter.demoName" .) .Values.router.config }}
{{- end }}

{{/* Nothing where an autoscaler decides, or somebody else by `replicas: null`. A number that was set by `kubectl scale` stays: Helm 4
would meet a conflict, and Helm 3 undo it. */}}
{{- define "airouter.replicas" -}}
{{- with .Values.router }}
{{- if not (or .autoscaling.enabled .keda.enabled (kindIs "invalid" .replicas)) }}
{{- $replicas := .replicas }}
{{- $live := lookup "apps/v1" "Deployment" $.Release.Namespace (include "airouter.partName" (list $ "router")) }}
{{- range dig "metadata" "managedFields" list $live }}
{{- if eq (dig "subresource" "" .) "scale" }}
{{- $replicas = $live.spec.replicas }}
{{- end }}
{{- end -}}
replicas: {{ $replicas }}
{{- end }}
{{- end }}
{{- end }}

{{/* How many routers there are at least. */}}
{{- define "airouter.fewestRouters" -}}
{{- with .Values.router }}
{{- if .keda.enabled }}{{ .keda.minReplicas }}
{{- else if .autoscaling.enabled }}{{ .autoscaling.minReplicas }}
{{- else }}{{ kindIs "invalid" .replicas | ternary 2 .replicas }}
{{- end }}
{{- end }}
{{- end }}

{{/* Families of addresses of a part's Service. */}}
{{- define "airouter.ipFamilies" -}}
{{- with (get (first .).Values (last .)).service }}
{{- with .ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .ipFamilies }}
ipFamilies: {{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}
{{- end }}

{{/* How many operators there are. */}}
{{- define "airouter.operatorReplicas" -}}
{{- with .Values.operator }}
{{- kindIs "invalid" .replicas | ternary (.highAvailability | ternary 2 1) .replicas }}
{{- end }}
{{- end }}

{{/* The port of a URL. */}}
{{- define "airouter.port" -}}
{{- $url := urlParse . }}
{{- $ports := dict "http" "80" "https" "443" }}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (get $ports $url.scheme) }}
{{- end }}

{{/* How clients reach a router that has no publicURL; the operator fills the namespace in. */}}
{{- define "airouter.routerURL" -}}
{{- $port := int .Values.router.service.port }}
{{- $name := include "airouter.partName" (list . "router") }}
{{- $made := printf "http://%s.{namespace}.svc%s" $name (eq $port 80 | ternary "" (printf ":%d" $port)) }}
{{- .Values.operator.routerURL | default $made }}
{{- end }}
