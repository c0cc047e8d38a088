{{/* The options of `classifier-operator run`: (shard number or 0, and the root context, as a list). */}}
{{- define "classifier-operator.arguments" -}}
{{- $shard := index . 0 }}{{ $root := index . 1 }}{{ $values := $root.Values -}}
{{- range include "classifier-operator.namespaces" $root | fromJsonArray }}
- --namespace={{ . }}
{{- end }}
{{- with $values.clusterName }}
- --cluster-name={{ . }}
{{- end }}
{{- range $values.formerClusterNames }}
- --former-cluster-name={{ . }}
{{- end }}
{{- if $values.leaderElection.enabled }}
- --leader-elect
- --lease-name={{ include "classifier-operator.fullname" $root }}
- --lease-namespace={{ include "classifier-operator.namespace" $root }}
{{- else }}
- --no-leader-elect
{{- end }}
{{- if $shard }}
- --shard={{ $shard }}/{{ $values.shards }}
{{- end }}
{{- with $values.operator }}
{{- with .region }}
- --region={{ . }}
{{- end }}
{{- with .roleArn }}
- --role-arn={{ . }}
{{- end }}
{{- with .assumeRoleArn }}
- --assume-role-arn={{ . }}
{{- end }}
{{- with .assumeRoleExternalId }}
- --assume-role-external-id={{ . }}
{{- end }}
{{- if .assumeRoleSessionTags }}
- --assume-role-session-tags
{{- end }}
{{- with .deletionPolicy }}
- --deletion-policy={{ . }}
{{- end }}
{{- if not (kindIs "invalid" .tenants) }}
- --tenants=/etc/classifier-operator/tenants.yaml
{{- end }}
- --sweep-interval={{ .sweepInterval }}
{{- range .eventsQueues }}
- --events-queue={{ replace "{shard}" (max 1 $shard | toString) . }}
{{- end }}
- --guard-interval={{ .guardInterval }}
- --resync-interval={{ .resyncInterval }}
- --namespace-interval={{ .namespaceInterval }}
- --aws-rate={{ .awsRate }}
- --wait-interval={{ .waitInterval }}
- --smoke-test-timeout={{ .smokeTestTimeout }}
- --workers={{ int .workers }}
{{- range .imports.allow }}
- --import-allow={{ . }}
{{- end }}
{{- if .imports.allowHttp }}
- --import-allow-http
{{- end }}
{{- with .imports.proxy.url }}
- --import-proxy={{ . }}
{{- end }}
{{- range .imports.proxy.hosts }}
- {{ printf "--import-proxy-host=%s" . | quote }}
{{- end }}
- --import-max-bytes={{ int64 .imports.maxBytes }}
- --import-concurrency={{ .imports.concurrency }}
- --log-format={{ .log.format }}
- --log-level={{ .log.level }}
{{- end }}
- --health-port={{ $values.metrics.port }}
- --{{ if not $values.metrics.perObject }}no-{{ end }}object-metrics
{{- range $values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}
