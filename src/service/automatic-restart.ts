// Asks systemd whether it has started this process by itself, because an earlier one had ended.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The answer must not delay a start for long. */
const PATIENCE_MS = 5_000;

/**
 * Resolves with false if an operator or the boot has started `unit`, and also if systemd does not
 * answer: systemctl(1) is looked for in `path`.
 */
export async function isAutomaticRestart(unit: string, path = '/usr/bin:/bin'): Promise<boolean> {
  const args = ['show', unit, '--property=NRestarts', '--value'];
  try {
    const { stdout } = await promisify(execFile)('systemctl', args, {
      // The command needs nothing else of our environment, which may hold credentials.
      env: { PATH: path },
      timeout: PATIENCE_MS,
    });
    return Number(stdout.trim()) > 0;
  } catch {
    // There is no systemd, or it does not answer.
    return false;
  }
}
