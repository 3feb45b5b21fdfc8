// Loaded into a command before all else: this Node.js does not let a process change its user, as a distribution's that
// uses the system's libuv does not (CVE-2024-22017).
for (const name of ['seteuid', 'setegid', 'setgroups', 'initgroups'])
  process[name] = () => {
    throw Object.assign(new Error(`${name}() disabled: io_uring may be enabled. See CVE-2024-22017.`), {
      code: 'ERR_INVALID_STATE',
    });
  };
