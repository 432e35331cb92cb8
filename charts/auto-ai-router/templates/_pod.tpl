{{/* What the pods of both parts have in common. */}}

{{- define "airouter.podMetadata" -}}
{{- $part := get (first .).Values (last .) -}}
labels:
  {{- include "airouter.podLabels" . | nindent 2 }}
  {{- with $part.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $part.podAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Service links are off because a Service named `airouter` would set AIROUTER_PORT to tcp://... */}}
{{- define "airouter.podSpec" -}}
{{- $root := first . }}
{{- $part := get $root.Values (last .) -}}
serviceAccountName: {{ include "airouter.serviceAccountName" . | quote }}
enableServiceLinks: false
securityContext: {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 0 }}
{{- end }}
{{- with $part.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $part.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.tolerations }}
tolerations: {{- toYaml . | nindent 0 }}
{{- end }}
{{- with $part.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}

{{- define "airouter.spread" -}}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- topologyKey: {{ $key }}
  maxSkew: 1
  whenUnsatisfiable: {{ (get (first $).Values (last $)).topologySpread }}
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels: {{- include "airouter.selector" $ | nindent 6 }}
{{- end }}
{{- end }}

{{- define "airouter.container" -}}
{{- $root := first . }}
{{- $part := get $root.Values (last .) -}}
name: {{ last . | quote }}
image: {{ include "airouter.image" . | quote }}
imagePullPolicy: {{ $part.image.pullPolicy }}
securityContext: {{- toYaml $root.Values.securityContext | nindent 2 }}
resources: {{- toYaml $part.resources | nindent 2 }}
{{- with $part.envFrom }}
envFrom: {{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}
