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

{{- define "classifier-operator.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
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

{{/* Pods of each Deployment. */}}
{{- define "classifier-operator.replicas" -}}
{{- if kindIs "invalid" .Values.replicaCount }}{{ .Values.replicas }}{{ else }}{{ .Values.replicaCount }}{{ end }}
{{- end }}

{{- define "classifier-operator.image" -}}
{{- with default (.Values.global).imageRegistry .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{/* The Secrets with registries' credentials, each once; a parent chart may give bare names. */}}
{{- define "classifier-operator.pullSecrets" -}}
{{- $names := list }}
{{- range concat .Values.image.pullSecrets .Values.imagePullSecrets (default list (.Values.global).imagePullSecrets) }}
{{- if kindIs "string" . }}{{ $names = append $names . }}{{ else }}{{ $names = append $names .name }}{{ end }}
{{- end }}
{{- range uniq $names }}
- name: {{ . }}
{{- end }}
{{- end }}

{{/* `annotations:`, where there are any: (those of this object alone and the root context, as a list). */}}
{{- define "classifier-operator.annotations" -}}
{{- $own := deepCopy (default dict (index . 0)) }}
{{- with merge $own (index . 1).Values.commonAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A security context: (its values and the root context, as a list). OpenShift's SCC "restricted-v2" gives a user and
     groups of the namespace's range, and refuses pods that ask for others. */}}
{{- define "classifier-operator.securityContext" -}}
{{- $context := default dict (index . 0) }}{{ $root := index . 1 }}
{{- $mode := default "auto" ((($root.Values.global).compatibility).openshift).adaptSecurityContext }}
{{- $isOpenShift := $root.Capabilities.APIVersions.Has "security.openshift.io/v1" }}
{{- if or (eq $mode "force") (and (eq $mode "auto") $isOpenShift) }}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" }}
{{- end }}
{{- toYaml $context }}
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
{{ default (list (include "classifier-operator.namespace" .)) .Values.namespaces | toJson }}
{{- else -}}
[]
{{- end }}
{{- end }}

{{/* The pods' security, and who they are. */}}
{{- define "classifier-operator.podIdentity" -}}
serviceAccountName: {{ include "classifier-operator.serviceAccountName" . }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with include "classifier-operator.pullSecrets" . | trim }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "classifier-operator.securityContext" (list .Values.podSecurityContext .) | nindent 2 }}
{{- end }}

{{/* What places a pod and connects it, and what begins before its container. */}}
{{- define "classifier-operator.placement" -}}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- if .Values.hostNetwork }}
hostNetwork: true
{{- end }}
{{- /* On the node's network the node's DNS is asked unless the policy says this, and it knows no name of the cluster. */}}
{{- with default (ternary "ClusterFirstWithHostNet" "" .Values.hostNetwork) .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.extraInitContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
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
  {{- include "classifier-operator.securityContext" (list .Values.securityContext .) | nindent 2 }}
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
  {{- with .Values.proxy }}
  {{- with .http }}
  - name: HTTP_PROXY
    value: {{ . | quote }}
  {{- end }}
  {{- with .https }}
  - name: HTTPS_PROXY
    value: {{ . | quote }}
  {{- end }}
  {{- if or .http .https }}
  # Without the first ones the services that give credentials on each node would be asked by the proxy.
  - name: NO_PROXY
    value: {{ concat (list "169.254.169.254" "[fd00:ec2::254]" "169.254.170.2" "169.254.170.23" "[fd00:ec2::23]" "localhost" "127.0.0.1" ".svc" ".cluster.local") .noProxy | uniq | join "," | quote }}
  {{- end }}
  {{- end }}
  {{- if include "classifier-operator.caVolume" . }}
  - name: SSL_CERT_FILE
    value: /etc/classifier-operator-ca/{{ .Values.caBundle.key }}
  - name: AWS_CA_BUNDLE
    value: /etc/classifier-operator-ca/{{ .Values.caBundle.key }}
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
  {{- if include "classifier-operator.caVolume" . }}
  - name: ca-bundle
    mountPath: /etc/classifier-operator-ca
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Where the certificates of `caBundle` come from; nothing where none are named. */}}
{{- define "classifier-operator.caVolume" -}}
{{- with .Values.caBundle.configMapName }}
configMap:
  name: {{ . }}
{{- end }}
{{- with .Values.caBundle.secretName }}
secret:
  secretName: {{ . }}
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
  {{- with include "classifier-operator.caVolume" . | trim }}
  - name: ca-bundle
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Where a monitor, a rule or a dashboard goes: (its values and the root context, as a list). */}}
{{- define "classifier-operator.monitoringMetadata" -}}
{{- $values := index . 0 }}{{ $root := index . 1 -}}
namespace: {{ default (include "classifier-operator.namespace" $root) $values.namespace }}
labels:
  {{- include "classifier-operator.labels" $root | nindent 2 }}
  {{- with $values.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with include "classifier-operator.annotations" (list $values.annotations $root) }}{{ . | nindent 0 }}{{ end }}
{{- end }}

{{/* Whether a kind of Prometheus' operator is rendered: (its name and the root context, as a list). */}}
{{- define "classifier-operator.rendersMonitoring" -}}
{{- $kind := printf "monitoring.coreos.com/v1/%s" (index . 0) }}{{ $root := index . 1 }}
{{- $mode := $root.Values.metrics.renderMode }}
{{- if or (eq $mode "alwaysRender") ($root.Capabilities.APIVersions.Has $kind) }}
{{- true }}
{{- else if eq $mode "failIfMissing" }}
{{- fail (printf "metrics: the cluster does not serve %s; install Prometheus' operator first, or set metrics.renderMode=skipIfMissing" $kind) }}
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

{{/* A NetworkPolicy's rules for the proxies: to `networkPolicy.proxy.to`, else to the addresses in their URLs. */}}
{{- define "classifier-operator.proxyEgress" -}}
{{- $rules := list }}
{{- range compact (list .Values.proxy.http .Values.proxy.https .Values.operator.imports.proxy.url) }}
{{- $authority := (urlParse .).host }}
{{- $host := regexReplaceAll ":[0-9]+$" $authority "" | trimPrefix "[" | trimSuffix "]" }}
{{- $to := $.Values.networkPolicy.proxy.to }}
{{- if and (not $to) (regexMatch "^[0-9.]+$|:" $host) }}
{{- $to = list (dict "ipBlock" (dict "cidr" (printf "%s/%s" $host (ternary "128" "32" (contains ":" $host))))) }}
{{- else if not $to }}
{{- fail (printf "networkPolicy.proxy.to has to say where the proxy %s is, because a NetworkPolicy knows no host names: --set networkPolicy.proxy.to[0].ipBlock.cidr=10.0.9.8/32" $host) }}
{{- end }}
{{- $port := dict "port" (regexFind "[0-9]+$" $authority | int) "protocol" "TCP" }}
{{- $rules = append $rules (dict "to" $to "ports" (list $port)) }}
{{- end }}
{{- with uniq $rules }}{{ toYaml . }}{{ end }}
{{- end }}
