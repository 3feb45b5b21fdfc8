// For `--import`: TypeScript in every thread of a process. tsx itself takes care of the main thread alone.
import { register } from 'tsx/esm/api';

register();
