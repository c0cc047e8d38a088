{{/* Values that are each fine but do not fit together. The schema has looked at each already. */}}
{{- define "classifier-operator.validate" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) }}
{{- fail "replicas above 1 need leaderElection.enabled: only one of them may work" }}
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
