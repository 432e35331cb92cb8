{{/* Exactly what the operator uses, as in manifests/install. */}}

{{/* In every namespace that it watches. */}}
{{- define "airouter.rules.watched" -}}
- apiGroups: [airouter.dev]
  resources: [routerconfigs]
  verbs: [list, watch]
- apiGroups: [airouter.dev]
  resources: [routerconfigs/status, routerkeys/status]
  verbs: [patch]
# Takes the annotation off that asked for another key.
- apiGroups: [airouter.dev]
  resources: [routerkeys]
  verbs: [list, watch, patch]
# Reads the Secrets that RouterConfigs name, writes the snapshots, ledgers, keys of RouterKeys and its
# certificate authority. Kubernetes cannot narrow any of this to names.
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch, create, patch]
# Which pods serve, and which pods of the Services that RouterConfigs name are ready.
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# InferencePools that RouterConfigs name, and which of their pods are ready.
- apiGroups: [inference.networking.k8s.io]
  resources: [inferencepools]
  verbs: [list]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}

{{/* In the cluster, if it watches all of it. */}}
{{- define "airouter.rules.everywhere" -}}
# Their labels, by which grants may go.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- end }}

{{/* In its own: which of several replicas leads. */}}
{{- define "airouter.rules.own" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update]
{{- end }}

{{/* In the cluster, if it puts routers into pods. */}}
{{- define "airouter.rules.injector" -}}
# Whom the API server trusts as its webhook.
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingwebhookconfigurations]
  resourceNames: [{{ include "airouter.injectorName" . | quote }}]
  verbs: [list, patch]
# The labels of a pod's namespace.
- apiGroups: [""]
  resources: [namespaces]
  {{- $watched := .Values.operator.watchNamespaces | default (list .Release.Namespace) }}
  {{- if not (has "*" $watched) }}
  resourceNames: {{ toJson $watched }}
  {{- end }}
  verbs: [list]
{{- end }}

{{/* In its own, if it does not watch that. */}}
{{- define "airouter.rules.authority" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, create, patch]
{{- end }}
