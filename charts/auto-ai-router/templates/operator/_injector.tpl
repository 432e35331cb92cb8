{{/* Routers that the operator puts into pods. */}}

{{/* In no namespace, so that it has that of the release in its name. */}}
{{- define "airouter.injectorName" -}}
{{ include "airouter.partName" (list . "operator") }}.{{ .Release.Namespace }}
{{- end }}

{{- define "airouter.injectorVariables" -}}
{{- with .Values.operator.injector }}
{{- if .enabled }}
- name: AIROUTER_OPERATOR_INJECTOR
  value: "true"
- name: AIROUTER_OPERATOR_INJECTOR_PORT
  value: {{ .port | quote }}
- name: AIROUTER_OPERATOR_INJECTOR_WEBHOOK
  value: {{ include "airouter.injectorName" $ | quote }}
- name: AIROUTER_OPERATOR_INJECTOR_IMAGE
  value: {{ include "airouter.image" (list $ "router") | quote }}
- name: AIROUTER_OPERATOR_INJECTOR_PULL_POLICY
  value: {{ $.Values.router.image.pullPolicy }}
- name: AIROUTER_OPERATOR_INJECTOR_ROUTER_PORT
  value: {{ .routerPort | quote }}
- name: AIROUTER_OPERATOR_INJECTOR_ROUTER_LOG_LEVEL
  value: {{ $.Values.router.logLevel }}
- name: AIROUTER_OPERATOR_INJECTOR_RUN_AS_USER
  value: {{ toJson $.Values.podSecurityContext.runAsUser | quote }}
- name: AIROUTER_OPERATOR_INJECTOR_RESOURCES
  value: {{ toJson .resources | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* In every namespace that the operator watches, or in all but that of the system. */}}
{{- define "airouter.injectorNamespaces" -}}
{{- $watched := .Values.operator.watchNamespaces | default (list .Release.Namespace) }}
{{- if has "*" $watched -}}
{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}
{{- else -}}
{key: kubernetes.io/metadata.name, operator: In, values: {{ toJson $watched }}}
{{- end }}
{{- end }}

{{- define "airouter.injectorWebhook" -}}
admissionReviewVersions: [v1]
# The operator adds who has signed its certificate.
clientConfig:
  service:
    name: {{ include "airouter.partName" (list . "operator") | quote }}
    namespace: {{ .Release.Namespace | quote }}
    port: {{ .Values.operator.injector.port }}
    path: /v1/inject
rules:
- {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods], scope: Namespaced}
# Not the pods of this chart.
objectSelector:
  matchExpressions: [{key: app.kubernetes.io/part-of, operator: NotIn, values: [auto-ai-router]}]
matchPolicy: Equivalent
# No pod waits for the operator.
failurePolicy: Ignore
# Containers that others put in call the router, too.
reinvocationPolicy: IfNeeded
sideEffects: None
timeoutSeconds: {{ .Values.operator.injector.timeoutSeconds }}
{{- end }}
