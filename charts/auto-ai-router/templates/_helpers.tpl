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
app.kubernetes.io/name: {{ include "airouter.name" (first .) }}
app.kubernetes.io/instance: {{ (first .).Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{/* Of anything that belongs to no part: (list $ ""). */}}
{{- define "airouter.labels" -}}
{{- $root := first . -}}
{{ include "airouter.podLabels" . }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Nothing in which a new version of the chart alone would replace the pods. */}}
{{- define "airouter.podLabels" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ include "airouter.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- with last . }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: auto-ai-router
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "airouter.metadata" -}}
{{- $root := first . -}}
name: {{ include "airouter.partName" . }}
namespace: {{ $root.Release.Namespace }}
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

{{/* How many routers there are at least. */}}
{{- define "airouter.fewestRouters" -}}
{{- with .Values.router }}
{{- if .keda.enabled }}{{ .keda.minReplicas }}
{{- else if .autoscaling.enabled }}{{ .autoscaling.minReplicas }}
{{- else }}{{ .replicas }}
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
