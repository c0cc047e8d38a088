"""What AWS has really answered: texts of public threads, notebooks' outputs, recordings and lists of errors.

Account numbers and names are replaced. The number of a row is that of the collection which it comes from.
"""

from __future__ import annotations

from classifier_operator.sagemaker.refusals import RefusalKind as Kind

# By number: operation, code, HTTP status, text, meaning.
REPORTED: dict[int, tuple[str, str, int, str, Kind]] = {
    1: (
        "CreateModel",
        "ValidationException",
        400,
        (
            'The execution role ARN "arn:aws:iam::123456789012:role/Admin" is invalid. Please ensure th'
            'at the role exists and that its trust relationship policy allows the action "sts:AssumeRol'
            'e" for the service principal "sagemaker.amazonaws.com".'
        ),
        Kind.ROLE_PENDING,
    ),
    2: (
        "CreateModel",
        "ValidationException",
        400,
        (
            "The repository of your image 123456789012.dkr.ecr.eu-west-2.amazonaws.com/sagemaker-triton"
            "server:25.09-py3 does not grant ecr:GetDownloadUrlForLayer, ecr:BatchGetImage, ecr:BatchCh"
            "eckLayerAvailability permission to sagemaker.amazonaws.com service principal."
        ),
        Kind.ACCESS_DENIED,
    ),
    3: (
        "CreateTrainingJob",
        "ResourceLimitExceeded",
        400,
        "The requested resource training-job/ml.p2.xlarge is not available in this region",
        Kind.NOT_IN_REGION,
    ),
    5: (
        "RegisterScalableTarget",
        "ValidationException",
        400,
        (
            "Unable to assume IAM role: arn:aws:iam::123456789012:role/aws-service-role/ecs.application"
            "-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
        ),
        Kind.ROLE_PENDING,
    ),
    7: (
        "RegisterScalableTarget",
        "ValidationException",
        400,
        (
            "You cannot register a variant with ml.t2.medium instance type as a scalable target. This i"
            "s because the burstable performance of these instances can lead to unpredictable behavior "
            "with Auto Scaling."
        ),
        Kind.INVALID,
    ),
    8: (
        "RegisterScalableTarget",
        "AccessDeniedException",
        400,
        "Account is not authorized",
        Kind.ACCESS_DENIED,
    ),
    9: (
        "DeleteEndpoint",
        "ValidationException",
        400,
        (
            "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM"
            " identity used to invoke DeleteEndpoint does not have application-autoscaling:DeregisterSc"
            "alableTarget permission to deregister the scalable target."
        ),
        Kind.ACCESS_DENIED,
    ),
    10: (
        "InvokeEndpoint",
        "ModelError",
        424,
        (
            'Received server error (0) from primary with message "Your invocation timed out while waiti'
            "ng for a response from container primary. Review the latency metrics for each container in"
            ' Amazon CloudWatch, resolve the issue, and try again.". See https://us-west-2...'
        ),
        Kind.NOT_READY,
    ),
    11: (
        "InvokeEndpoint",
        "ModelError",
        424,
        (
            'Received server error (0) from primary with message "Amazon SageMaker could not get a resp'
            "onse from the fastapi-model endpoint. This can occur when CPU or memory utilization is hig"
            'h. To check your utilization, see Amazon CloudWatch..."'
        ),
        Kind.NOT_READY,
    ),
    12: (
        "InvokeEndpoint",
        "ModelError",
        424,
        (
            'Received server error (503) from primary with message "{   "code": 503,   "type": "Interna'
            'lServerException",   "message": "Prediction failed" } ". See https://us-west-2...'
        ),
        Kind.NOT_READY,
    ),
    13: (
        "InvokeEndpoint",
        "ModelError",
        424,
        (
            'Received client error (400) from primary with message "unable to evaluate payload provided'
            '". See https://...'
        ),
        Kind.INVALID,
    ),
    14: (
        "InvokeEndpoint",
        "ModelError",
        424,
        (
            'Received client error (415) from primary with message "Customer Error: Content-Type header'
            " value 'application/octet-stream' not supported (caused by KeyError)  Caused by: 'applicat"
            "ion/octet-stream'\". See https://..."
        ),
        Kind.INVALID,
    ),
    15: (
        "InvokeEndpoint",
        "ModelError",
        424,
        (
            "Received server error (500) from model with message \"'NoneType' object is not callable Tra"
            'ceback (most recent call last): ..."'
        ),
        Kind.INVALID,
    ),
    16: (
        "InvokeEndpoint",
        "413",
        413,
        "HTTP content length exceeded 5246976 bytes.",
        Kind.UNFIT_TEST,
    ),
    17: (
        "InvokeEndpoint",
        "ValidationError",
        400,
        "Request c6f3 has oversize body.",
        Kind.UNFIT_TEST,
    ),
    18: (
        "InvokeEndpoint",
        "InternalFailure",
        500,
        (
            "An internal constraint pertaining to the Variants instances was violated. Please contact c"
            "ustomer support regarding request 476341ba-9975-11e7-a86a-39929da3780b."
        ),
        Kind.UNAVAILABLE,
    ),
    19: (
        "InvokeEndpoint",
        "InternalFailure",
        500,
        (
            "An exception occurred while sending request to model. Please contact customer support rega"
            "rding request 6fa5c87f-4204-48fb-9ab8-1cdd49dd6e7d."
        ),
        Kind.UNAVAILABLE,
    ),
    20: (
        "InvokeEndpoint",
        "ValidationError",
        400,
        ("Endpoint DEMO-xgb-churn-model-quality-monitor-2021-05-26-0014 of account 123456789012 not found."),
        Kind.NOT_PROPAGATED,
    ),
    21: (
        "InvokeEndpoint",
        "AccessDeniedException",
        403,
        (
            "User: arn:aws:sts::123456789012:assumed-role/allow_invoke_ny_model_role2020-07-06-01-47-13"
            "/MME_Invoke_NY_Model is not authorized to perform: sagemaker:InvokeEndpoint on resource: a"
            "rn:aws:sagemaker:us-east-1:123456789012:endpoint/inference-pipeline"
        ),
        Kind.ACCESS_DENIED,
    ),
    22: (
        "CreateEndpoint",
        "ResourceLimitExceeded",
        400,
        (
            "The account-level service limit 'ml.g4dn.12xlarge for endpoint usage' is 0 Instances, with"
            " current utilization of 0 Instances and a request delta of 1 Instances. Please contact AWS"
            " support to request an increase for this limit"
        ),
        Kind.QUOTA,
    ),
    23: (
        "CreateEndpoint",
        "ResourceLimitExceeded",
        400,
        (
            "The account-level service limit 'Memory size in MB per serverless endpoint' is 3072 MBs, w"
            "ith current utilization of 0 MBs and a request delta of 4096 MBs. Please use AWS Service Q"
            "uotas to request an increase for this quota. If AWS Service Quotas is not available, conta"
            "ct AWS support to request an increase for this quota."
        ),
        Kind.QUOTA,
    ),
    24: (
        "CreateTrainingJob",
        "ResourceLimitExceeded",
        400,
        (
            "The account-level service limit 'ml.p3.2xlarge for spot training job usage' is 0 Instances"
            ", with current utilization of 0 Instances and a request delta of 1 Instances. Please conta"
            "ct AWS support to request an increase for this limit."
        ),
        Kind.QUOTA,
    ),
    25: (
        "CreateTrainingJob",
        "ResourceLimitExceeded",
        400,
        (
            "The account-level service limit for training-job/ml.p2.xlarge is 0 Instances, with current"
            " utilization of 0 Instances and a request delta of 2 Instances. Please contact AWS support"
            " to request an increase for this limit."
        ),
        Kind.QUOTA,
    ),
    26: (
        "CreateTrainingJob",
        "ResourceLimitExceeded",
        400,
        (
            "The account-level service limit 'Number of instances across all processing jobs' is 4 Inst"
            "ances, with current utilization of 0 Instances and a request delta of 11 Instances. Please"
            " contact AWS support to request an increase for this limit."
        ),
        Kind.QUOTA,
    ),
    27: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        (
            "Invalid training image. Please provide a valid Amazon Elastic Container Registry path of t"
            "he Docker image to run."
        ),
        Kind.INVALID,
    ),
    28: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        (
            "1 validation error detected: Value 'fastfile' at 'inputDataConfig.1.member.inputMode' fail"
            "ed to satisfy constraint: Member must satisfy enum value set: [Pipe, FastFile, File]"
        ),
        Kind.INVALID,
    ),
    29: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        (
            "1 validation error detected: failed to satisfy constraint: Member must satisfy regular exp"
            "ression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9])*"
        ),
        Kind.INVALID,
    ),
    30: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        (
            'No S3 objects found under S3 URL "s3://sagemaker-us-west-2-123456789012/ic-lstformat/train'
            '/" given in input data source. Please ensure that the bucket exists in the selected region'
            ' (us-west-2), that objects exist under that S3 prefix, and that the role "arn:aws:iam::123'
            "456789012:role/ProdBuildSystemStack-ReleaseBuildRoleFB326D49"
        ),
        Kind.MISSING_DATA,
    ),
    31: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        "Unauthorized to List objects under S3 URL: s3://b/x",
        Kind.ROLE_PENDING,
    ),
    32: (
        "CreateTrainingJob",
        "ThrottlingException",
        400,
        "Rate exceeded",
        Kind.THROTTLED,
    ),
    33: (
        "CreateTrainingJob",
        "403",
        403,
        (
            "<AccessDeniedException>   <Message>Unable to determine service/operation name to be author"
            "ized</Message> </AccessDeniedException>"
        ),
        Kind.ACCESS_DENIED,
    ),
    34: (
        "CreateTrainingJob",
        "AccessDeniedException",
        400,
        (
            "User: arn:aws:sts::123456789012:assumed-role/SageMakerExecRole-ml-product-team/SageMaker i"
            "s not authorized to perform: sagemaker:CreateTrainingJob on resource: arn:aws:sagemaker:eu"
            "-west-1:123456789012:training-job/x with an explicit deny"
        ),
        Kind.ACCESS_DENIED,
    ),
    35: (
        "CreateTrainingJob",
        "ResourceInUse",
        400,
        (
            "Job name must be unique within an AWS account and region, and a job with this name already"
            " exists (arn:aws:sagemaker:us-west-2:123456789012:processing-job/demo)"
        ),
        Kind.ALREADY_EXISTS,
    ),
    36: (
        "CreateModel",
        "ValidationException",
        400,
        (
            'Cannot create already existing model "arn:aws:sagemaker:us-west-2:123456789012:model/demo-'
            'xgboost-regression-2020-11-08-22-15-48-model".'
        ),
        Kind.ALREADY_EXISTS,
    ),
    37: (
        "CreateModel",
        "ValidationException",
        400,
        (
            "Could not find model data at s3://sagemaker-us-west-2-123456789012/output/DEMO-mnist/tenso"
            "rflow-training-2021-06-01-19-52-52-782/output/model.tar.gz."
        ),
        Kind.MISSING_DATA,
    ),
    38: (
        "CreateModel",
        "ValidationException",
        400,
        "Requested image 1.dkr.ecr.us-west-2.amazonaws.com/ezsmdeploy-image-randomname not found.",
        Kind.MISSING_DATA,
    ),
    39: (
        "CreateModel",
        "ValidationException",
        400,
        'ECR image "1.dkr.ecr.us-west-2.amazonaws.com/decision-trees-sample" is invalid.',
        Kind.INVALID,
    ),
    40: (
        "CreateModel",
        "ValidationException",
        400,
        ("Specify one of either Image and Model Data URL or ModelPackageName in container definition."),
        Kind.INVALID,
    ),
    41: (
        "CreateModel",
        "ValidationException",
        400,
        ("Environment variable map cannot be specified when using a ModelPackage subscribed from AWS Marketplace."),
        Kind.INVALID,
    ),
    42: (
        "CreateModel",
        "ValidationException",
        400,
        "Caller is not subscribed to the marketplace offering.",
        Kind.INVALID,
    ),
    43: (
        "CreateModel",
        "ValidationException",
        400,
        (
            "2 validation errors detected: Value 'x' at 'modelName' failed to satisfy constraint: Membe"
            "r must have length less than or equal to 63; Value 'x' at 'modelName' failed to satisfy co"
            "nstraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9])*"
        ),
        Kind.INVALID,
    ),
    44: (
        "CreateEndpointConfig",
        "ValidationException",
        400,
        (
            "1 validation error detected: Value 'ENTER MODEL NAME' at 'productionVariants.1.member.mode"
            "lName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z"
            "A-Z0-9](-*[a-zA-Z0-9])*"
        ),
        Kind.INVALID,
    ),
    45: (
        "CreateEndpointConfig",
        "ValidationException",
        400,
        (
            "1 validation error detected: Value 'ml.t3.medium' at 'productionVariants.1.member.instance"
            "Type' failed to satisfy constraint: Member must satisfy enum value set: [ml.r5d.12xlarge, "
            "ml.r5.12xlarge, ml.p2.xlarge, ml.m5.4xlarge]"
        ),
        Kind.INVALID,
    ),
    46: (
        "CreateEndpointConfig",
        "ValidationException",
        400,
        ('Could not find model "arn:aws:sagemaker:us-west-2:123456789012:model/demo-seq2seq-en-de-2021-06-08-19".'),
        Kind.NOT_PROPAGATED,
    ),
    47: (
        "CreateEndpointConfig",
        "ValidationException",
        400,
        "ManagedInstanceScaling is only supported for inference component endpoints.",
        Kind.INVALID,
    ),
    48: (
        "CreateEndpointConfig",
        "AccessDeniedException",
        400,
        (
            "User: arn:aws:sts::123456789012:assumed-role/datazone_usr_role is not authorized to perfor"
            "m: sagemaker:AddTags on resource: arn:aws:sagemaker:us-east-1:123456789012:endpoint-config"
            "/x because no identity-based policy allows the sagemaker:AddTags action"
        ),
        Kind.ACCESS_DENIED,
    ),
    49: (
        "CreateEndpoint",
        "ValidationException",
        400,
        (
            'Cannot create already existing endpoint "arn:aws:sagemaker:us-west-2:123456789012:endpoint'
            '/mme-sklearn-housing-v1".'
        ),
        Kind.ALREADY_EXISTS,
    ),
    50: (
        "CreateEndpointConfig",
        "ValidationException",
        400,
        (
            'Cannot create already existing endpoint configuration "arn:aws:sagemaker:us-west-2:1234567'
            '89012:endpoint-config/test-endpoint-config".'
        ),
        Kind.ALREADY_EXISTS,
    ),
    51: (
        "DescribeEndpointConfig",
        "ValidationException",
        400,
        (
            'Could not find endpoint configuration "arn:aws:sagemaker:us-west-2:123456789012:endpoint-c'
            'onfig/demo-xgb-churn-model-quality-monitor-2021-05-18-0013".'
        ),
        Kind.NOT_FOUND,
    ),
    52: (
        "DeleteEndpoint",
        "ValidationException",
        400,
        (
            'Cannot update in-progress endpoint "arn:aws:sagemaker:us-west-2:123456789012:endpoint/mnis'
            't-ei-traced-mlm5large-mleia2xlarge".'
        ),
        Kind.IN_PROGRESS,
    ),
    53: (
        "DeleteEndpoint",
        "ValidationException",
        400,
        'Could not find endpoint "flask-model".',
        Kind.NOT_FOUND,
    ),
    54: (
        "DeleteEndpoint",
        "ValidationException",
        400,
        (
            'Could not find endpoint "arn:aws:sagemaker:us-west-2:123456789012:endpoint/ipinsights-2021'
            '-05-18-00-32-52-386".'
        ),
        Kind.NOT_FOUND,
    ),
    55: (
        "DescribeTrainingJob",
        "ValidationException",
        400,
        "Requested resource not found.",
        Kind.NOT_FOUND,
    ),
    56: (
        "StopTrainingJob",
        "ValidationException",
        400,
        "The request was rejected because the training job is in status Completed.",
        Kind.ALREADY_ENDED,
    ),
    57: (
        "DescribeModel",
        "ValidationException",
        400,
        'Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/sagemaker-model".',
        Kind.NOT_FOUND,
    ),
    58: (
        "AssumeRole",
        "AccessDenied",
        403,
        (
            "User: arn:aws:sts::123456789012:assumed-role/RL/botocore-session-1614303096 is not authori"
            "zed to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/basic-role"
        ),
        Kind.ACCESS_DENIED,
    ),
    59: (
        "AssumeRoleWithWebIdentity",
        "AccessDenied",
        403,
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        Kind.ACCESS_DENIED,
    ),
    60: (
        "AssumeRoleWithWebIdentity",
        "ExpiredTokenException",
        400,
        ("Token expired: current date/time 1640000000 must be before the expiration date/time 1639990000"),
        Kind.ACCESS_DENIED,
    ),
    61: (
        "AssumeRoleWithWebIdentity",
        "InvalidIdentityToken",
        400,
        (
            "Couldn't retrieve verification key from your identity provider, please reference AssumeRol"
            "eWithWebIdentity documentation for requirements"
        ),
        Kind.ACCESS_DENIED,
    ),
    62: (
        "AssumeRole",
        "ValidationError",
        400,
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        Kind.INVALID,
    ),
    63: (
        "HeadObject",
        "404",
        404,
        "Not Found",
        Kind.NOT_FOUND,
    ),
    64: (
        "HeadObject",
        "403",
        403,
        "Forbidden",
        Kind.ACCESS_DENIED,
    ),
    65: (
        "HeadObject",
        "400",
        400,
        "Bad Request",
        Kind.ACCESS_DENIED,
    ),
    66: (
        "UploadPart",
        "IncompleteBody",
        400,
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
        Kind.UNAVAILABLE,
    ),
    68: (
        "PutObject",
        "ServiceUnavailable",
        503,
        "Please reduce your request rate.",
        Kind.UNAVAILABLE,
    ),
    69: (
        "GetObject",
        "InvalidObjectState",
        403,
        "The operation is not valid for the object's storage class",
        Kind.INVALID,
    ),
    70: (
        "GetObject",
        "PermanentRedirect",
        301,
        (
            "The bucket you are attempting to access must be addressed using the specified endpoint. Pl"
            "ease send all future requests to this endpoint."
        ),
        Kind.INVALID,
    ),
    71: (
        "GetObject",
        "AllAccessDisabled",
        403,
        "All access to this object has been disabled",
        Kind.INVALID,
    ),
    73: (
        "CreateBucket",
        "OperationAborted",
        409,
        ("A conflicting conditional operation is currently in progress against this resource. Please try again."),
        Kind.IN_PROGRESS,
    ),
    74: (
        "CreateModel",
        "UnrecognizedClientException",
        400,
        "The security token included in the request is invalid.",
        Kind.ACCESS_DENIED,
    ),
    75: (
        "CreateTrainingJob",
        "InternalFailure",
        500,
        "",
        Kind.UNAVAILABLE,
    ),
    76: (
        "CreateTrainingJob",
        "ServiceUnavailable",
        503,
        "The request has failed due to a temporary failure of the server.",
        Kind.UNAVAILABLE,
    ),
    77: (
        "CreateTrainingJob",
        "RequestAbortedException",
        400,
        "",
        Kind.UNAVAILABLE,
    ),
    78: (
        "CreateTrainingJob",
        "RequestEntityTooLargeException",
        413,
        "",
        Kind.INVALID,
    ),
    79: (
        "DescribeTrainingJob",
        "NotAuthorized",
        400,
        "You do not have permission to perform this action.",
        Kind.ACCESS_DENIED,
    ),
    80: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        (
            "Cannot find repository: birds in registry ID: 123456789012 Please check if your ECR reposi"
            "tory exists and role arn:aws:iam::123456789012:role/x has proper pull permissions for Sage"
            "Maker: ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer"
        ),
        Kind.MISSING_DATA,
    ),
    81: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        (
            "Cannot find the requested image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/birds:1. Ple"
            "ase check if your ECR repository exists and role arn:aws:iam::123456789012:role/x has prop"
            "er pull permissions for SageMaker."
        ),
        Kind.MISSING_DATA,
    ),
    82: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        "The S3 bucket 'birds' does not exist.",
        Kind.MISSING_DATA,
    ),
    83: (
        "CreateModel",
        "ValidationException",
        400,
        'The S3 bucket "birds" does not exist.',
        Kind.MISSING_DATA,
    ),
    84: (
        "CreateModel",
        "ValidationException",
        400,
        "The bucket birds does not exist.",
        Kind.MISSING_DATA,
    ),
    85: (
        "CreateModel",
        "ValidationException",
        400,
        "The image '123456789012.dkr.ecr.us-east-1.amazonaws.com/birds:1' does not exist.",
        Kind.MISSING_DATA,
    ),
    86: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        (
            "Access denied for registry: 123456789012, repository: birds. Please check if your ECR repo"
            "sitory and image exist and role arn:aws:iam::123456789012:role/x has proper pull permissio"
            "ns for SageMaker."
        ),
        Kind.ROLE_PENDING,
    ),
    87: (
        "CreateModel",
        "ValidationException",
        400,
        "The role 'arn:aws:iam::123456789012:role/x' does not exist.",
        Kind.ROLE_PENDING,
    ),
    88: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        "The role arn:aws:iam::123456789012:role/x does not exist",
        Kind.ROLE_PENDING,
    ),
    89: (
        "CreateEndpoint",
        "ResourceLimitExceeded",
        400,
        (
            "The account-level service limit 'ml.eia2.medium for endpoint usage' is 0 Instances, with c"
            "urrent utilization of 0 Instances and a request delta of 1 Instances. Please contact AWS s"
            "upport to request an increase for this limit."
        ),
        Kind.ACCELERATOR,
    ),
    90: (
        "UpdateEndpoint",
        "ResourceLimitExceeded",
        400,
        (
            "The account-level service limit 'ml.eia2.medium for endpoint usage' is 2 Instances, with c"
            "urrent utilization of 2 Instances and a request delta of 1 Instances. Please contact AWS s"
            "upport to request an increase for this limit."
        ),
        Kind.QUOTA,
    ),
    91: (
        "CreateEndpoint",
        "ResourceLimitExceeded",
        400,
        (
            "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances, with curr"
            "ent utilization of 0 Instances and a request delta of 1 Instances for endpoint 'birds-acce"
            "lerator'."
        ),
        Kind.QUOTA,
    ),
    92: (
        "InvokeEndpoint",
        "ModelError",
        424,
        (
            'Received server error (500) from primary with message "Your invocation timed out while wai'
            "ting for a response from container primary. Review the latency metrics for each container "
            'in Amazon CloudWatch, resolve the issue, and try again.". See https://us-west-2...'
        ),
        Kind.NOT_READY,
    ),
    93: (
        "InvokeEndpoint",
        "ModelError",
        424,
        ('Received client error (429) from primary with message "too many requests". See https://us-west-2...'),
        Kind.NOT_READY,
    ),
    94: (
        "InvokeEndpoint",
        "ModelError",
        424,
        'Received client error (424) from primary with message "busy". See https://us-west-2...',
        Kind.NOT_READY,
    ),
    95: (
        "InvokeEndpoint",
        "ModelError",
        424,
        (
            'Received server error (500) from primary with message "no: Your invocation timed out". See'
            " https://us-west-2..."
        ),
        Kind.INVALID,
    ),
    96: (
        "CreateEndpoint",
        "ValidationException",
        400,
        (
            "We currently do not have sufficient ml.g5.xlarge capacity in the Availability Zone you req"
            "uested. Our system will be working on provisioning additional capacity."
        ),
        Kind.CAPACITY,
    ),
    97: (
        "CreateTrainingJob",
        "ValidationException",
        400,
        "AWS does not have sufficient capacity for ml.p3.2xlarge.",
        Kind.CAPACITY,
    ),
    98: (
        "CreateTrainingJob",
        "ResourceLimitExceeded",
        400,
        "The requested resource training-job/ml.p2.xlarge is not available in us-west-1",
        Kind.NOT_IN_REGION,
    ),
    99: (
        "CreateEndpointConfig",
        "ValidationException",
        400,
        "The instance type ml.p4d.24xlarge is not supported in ap-southeast-3.",
        Kind.NOT_IN_REGION,
    ),
    100: (
        "UpdateEndpointWeightsAndCapacities",
        "ValidationException",
        400,
        "The requested resource endpoint/ml.p2.xlarge is not available in us-gov-west-1.",
        Kind.NOT_IN_REGION,
    ),
    101: (
        "CreateEndpoint",
        "ResourceLimitExceeded",
        400,
        "ml.g5.xlarge is not available in the US West (N. California) Region.",
        Kind.NOT_IN_REGION,
    ),
    102: (
        "CreateEndpoint",
        "ValidationException",
        400,
        "The accelerator ml.eia2.medium is not available in us-west-1.",
        Kind.ACCELERATOR,
    ),
    103: (
        "CreateEndpoint",
        "ValidationException",
        400,
        "Insufficient capacity: ml.g5.xlarge is not available in us-west-1 at the moment.",
        Kind.CAPACITY,
    ),
    104: (
        "GetObject",
        "AuthorizationHeaderMalformed",
        400,
        ("The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
        Kind.INVALID,
    ),
    105: (
        "CreateMultipartUpload",
        "IllegalLocationConstraintException",
        400,
        (
            "The eu-west-1 location constraint is incompatible for the region specific endpoint this re"
            "quest was sent to."
        ),
        Kind.INVALID,
    ),
    106: (
        "HeadObject",
        "301",
        301,
        "Moved Permanently",
        Kind.INVALID,
    ),
    107: (
        "HeadObject",
        "307",
        307,
        "Temporary Redirect",
        Kind.UNAVAILABLE,
    ),
    108: (
        "GetObject",
        "KMS.UnrecognizedClientException",
        400,
        "The security token included in the request is invalid.",
        Kind.ACCESS_DENIED,
    ),
    109: (
        "AssumeRoleWithWebIdentity",
        "IDPRejectedClaim",
        403,
        "The identity provider (IdP) reported that authentication failed.",
        Kind.ACCESS_DENIED,
    ),
    110: (
        "GetObject",
        "AccountProblem",
        403,
        ("There is a problem with your AWS account that prevents the operation from completing successfully."),
        Kind.ACCESS_DENIED,
    ),
    111: (
        "GetObject",
        "NotSignedUp",
        403,
        "Your account is not signed up for the Amazon S3 service.",
        Kind.ACCESS_DENIED,
    ),
}
