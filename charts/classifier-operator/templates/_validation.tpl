{{/* Values that are each fine but do not fit together. The schema has looked at each already. */}}
{{- define "classifier-operator.validate" -}}
{{- $replicas := include "classifier-operator.replicas" . | int }}
{{- if and (ne $replicas (int .Values.replicas)) (ne 2 (int .Values.replicas)) }}
{{- fail "replicas and replicaCount are the same value under two names, and say different numbers: leave one out" }}
{{- end }}
{{- if and (gt $replicas 1) (not .Values.leaderElection.enabled) }}
{{- fail "replicas above 1 need leaderElection.enabled: only one of them may work" }}
{{- end }}
{{- if and .Values.strategy (not .Values.leaderElection.enabled) (ne .Values.strategy.type "Recreate") }}
{{- fail "strategy.type must be Recreate without leaderElection.enabled: two pods would work at a time" }}
{{- end }}
{{- if and .Values.caBundle.configMapName .Values.caBundle.secretName }}
{{- fail "caBundle.configMapName and caBundle.secretName are two places of one file: choose one" }}
{{- end }}
{{- $set := list }}
{{- if or .Values.proxy.http .Values.proxy.https }}
{{- $set = list "HTTP_PROXY" "HTTPS_PROXY" "NO_PROXY" }}
{{- end }}
{{- if include "classifier-operator.caVolume" . }}
{{- $set = concat $set (list "SSL_CERT_FILE" "AWS_CA_BUNDLE") }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if has .name $set }}
{{- fail (printf "extraEnv has %s, which proxy and caBundle set: choose one" .name) }}
{{- end }}
{{- end }}
{{- if and .Values.operator.imports.proxy.url (not .Values.operator.imports.proxy.hosts) }}
{{- fail "operator.imports.proxy.url needs operator.imports.proxy.hosts, the hosts whose data is fetched by it" }}
{{- end }}
{{- if and .Values.operator.imports.proxy.hosts (not .Values.operator.imports.proxy.url) (not .Values.extraEnv) (not .Values.extraEnvFrom) }}
{{- fail "operator.imports.proxy.hosts needs operator.imports.proxy.url, the proxy by which their data is fetched" }}
{{- end }}
{{- if and .Values.hostNetwork .Values.networkPolicy.enabled }}
{{- fail "networkPolicy.enabled does nothing for pods on the node's network (hostNetwork): choose one" }}
{{- end }}
{{- if and .Values.namespaces (ne .Values.scope "Namespaced") }}
{{- fail "namespaces are those of `scope: Namespaced`; with `scope: Cluster` all are served" }}
{{- end }}
{{- if gt (int .Values.shards) 1 }}
{{- range .Values.operator.eventsQueues }}
{{- if not (contains "{shard}" .) }}
{{- fail "operator.eventsQueues: shards would take events from each other; put {shard} where their queues' URLs differ" }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) }}
{{- fail "metrics.serviceMonitor needs metrics.service.enabled; metrics.podMonitor does without" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
{{- fail "metrics.serviceMonitor and metrics.podMonitor would count everything twice: choose one" }}
{{- end }}
{{- if and .Values.aws.irsaRoleArn (not .Values.serviceAccount.create) }}
{{- fail "aws.irsaRoleArn annotates the service account, which serviceAccount.create: false leaves to you" }}
{{- end }}
{{- if and .Values.aws.irsaRoleArn .Values.aws.podIdentity }}
{{- fail "aws.irsaRoleArn and aws.podIdentity are two ways to one identity: choose one" }}
{{- end }}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.apiServer.cidrs) }}
{{- fail "networkPolicy.enabled needs networkPolicy.apiServer.cidrs, the API server's addresses: kubectl get service,endpointslices --namespace default (docs/install/helm.md)" }}
{{- end }}
{{- end }}
