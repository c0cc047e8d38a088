{{/* What objects are called. */}}
{{- define "classifier-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "classifier-operator.fullname" -}}
{{- /* Names of Deployments, Leases and Jobs get a suffix, and pods another. */ -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "classifier-operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "classifier-operator.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "classifier-operator.serviceAccountName" -}}
{{- default (ternary (include "classifier-operator.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{/* A Deployment's name: ((shard number or 0) and the root context, as a list). */}}
{{- define "classifier-operator.shardName" -}}
{{- $root := index . 1 -}}
{{- include "classifier-operator.fullname" $root }}{{ if index . 0 }}-shard-{{ index . 0 }}{{ end }}
{{- end }}

{{/* The shards' numbers, from 1; 0 alone where there is one. As text, for an include can return nothing else. */}}
{{- define "classifier-operator.shards" -}}
{{- if eq (int .Values.shards) 1 }}0{{ else }}{{ range $i := until (int .Values.shards) }}{{ if $i }} {{ end }}{{ add1 $i }}{{ end }}{{ end }}
{{- end }}

{{- define "classifier-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{/* What selects pods; it cannot be changed in a Deployment. */}}
{{- define "classifier-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "classifier-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of pods: without the chart's version, which is no reason to restart them. */}}
{{- define "classifier-operator.podLabels" -}}
{{ include "classifier-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: classifier-operator
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "classifier-operator.labels" -}}
{{ include "classifier-operator.podLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The namespaces of the scope Namespaced, as JSON. */}}
{{- define "classifier-operator.namespaces" -}}
{{- if eq .Values.scope "Namespaced" -}}
{{ default (list .Release.Namespace) .Values.namespaces | toJson }}
{{- else -}}
[]
{{- end }}
{{- end }}

{{/* The pods' security, and who they are. */}}
{{- define "classifier-operator.podIdentity" -}}
serviceAccountName: {{ include "classifier-operator.serviceAccountName" . }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end }}

{{/* What places a pod. */}}
{{- define "classifier-operator.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The container's image, its security and its environment: the operator's, the test's and the check's. */}}
{{- define "classifier-operator.container" -}}
image: {{ include "classifier-operator.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
env:
  # The one folder that can be written to.
  - name: HOME
    value: /tmp
  {{- with .Values.aws.endpointUrl }}
  - name: AWS_ENDPOINT_URL
    value: {{ . | quote }}
  {{- end }}
  {{- with .Values.aws.credentials }}
  {{- if .secretName }}
  - name: AWS_ACCESS_KEY_ID
    valueFrom:
      secretKeyRef:
        name: {{ .secretName }}
        key: {{ .accessKeyIdKey }}
  - name: AWS_SECRET_ACCESS_KEY
    valueFrom:
      secretKeyRef:
        name: {{ .secretName }}
        key: {{ .secretAccessKeyKey }}
  - name: AWS_SESSION_TOKEN
    valueFrom:
      secretKeyRef:
        name: {{ .secretName }}
        key: {{ .sessionTokenKey }}
        optional: true
  {{- end }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if not (kindIs "invalid" .Values.operator.tenants) }}
  - name: tenants
    mountPath: /etc/classifier-operator
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "classifier-operator.volumes" -}}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
  {{- if not (kindIs "invalid" .Values.operator.tenants) }}
  - name: tenants
    configMap:
      name: {{ include "classifier-operator.fullname" . }}-tenants
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Where a monitor, a rule or a dashboard goes: (its values and the root context, as a list). */}}
{{- define "classifier-operator.monitoringMetadata" -}}
{{- $values := index . 0 }}{{ $root := index . 1 -}}
namespace: {{ default $root.Release.Namespace $values.namespace }}
labels:
  {{- include "classifier-operator.labels" $root | nindent 2 }}
  {{- with $values.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What both monitors say of a scrape. */}}
{{- define "classifier-operator.scrape" -}}
port: metrics
path: /metrics
# `namespace` is that of an object, and alerts and dashboard ask for it.
honorLabels: true
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Peers of a NetworkPolicy: (address ranges and exceptions, as a list). Rules add up, so whatever is left out of one
     range that is everywhere has to be left out of all of them. */}}
{{- define "classifier-operator.ipBlocks" -}}
{{- $except := index . 1 -}}
{{- range index . 0 }}
- ipBlock:
    cidr: {{ . | quote }}
    {{- $cidr := . }}
    {{- $left := list }}
    {{- range $except }}
    {{- if or (and (eq $cidr "0.0.0.0/0") (not (contains ":" .))) (and (eq $cidr "::/0") (contains ":" .)) }}
    {{- $left = append $left . }}
    {{- end }}
    {{- end }}
    {{- with $left }}
    except:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
{{- end }}
