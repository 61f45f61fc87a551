/* pocl_env.h: the environment that pocl wants, set before OpenCL is called. */
#ifndef CLI_POCL_ENV_H
#define CLI_POCL_ENV_H

void pocl_env_set(void);

#endif
