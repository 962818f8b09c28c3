/**
 * Name of the Secret, in each namespace, that holds what `tsctl login` was told: of type kubernetes.io/dockerconfigjson. Pods of the namespace pull with it after their own
 * imagePullSecrets, without naming it.
 */
export const LOGIN_SECRET = "registry-login";
