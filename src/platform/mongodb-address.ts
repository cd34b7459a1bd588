import { mongo } from 'mongoose';

/** The hosts that a connection string names, nothing secret among them; `null` if the driver would not take it. */
export function hostsOf(uri: string): string | null {
  try {
    const { hosts, srvHost } = new mongo.MongoClient(uri).options;
    return srvHost ?? hosts.map(String).join(', ');
  } catch {
    return null;
  }
}
