interface PrivacyDeps {
  areFriends(conversationId: string): Promise<boolean>;
  findPeople(userIds: readonly string[]): Promise<{ privacy: { readReceipts: boolean } }[]>;
}

/** The two ends of a receipt in a private conversation. */
export interface Ends {
  conversationId: string;
  readerId: string;
  senderId: string;
}

/** What may be known of somebody's marks, as things stand now. */
export function createReceiptPrivacy({ areFriends, findPeople }: PrivacyDeps) {
  /** Reciprocal: who hides what they read does not see what others read. */
  async function allShowReads(userIds: readonly string[]): Promise<boolean> {
    const people = await findPeople(userIds);
    return people.length === userIds.length && people.every(({ privacy }) => privacy.readReceipts);
  }

  return {
    /** Whether a person sees what others have read. */
    seesReads: (userId: string): Promise<boolean> => allShowReads([userId]),

    /** Which receipts may pass: none unless they are friends, and of reading none if one of them hides it. */
    async mayPass({
      conversationId,
      readerId,
      senderId,
    }: Ends): Promise<{ delivered: boolean; read: boolean }> {
      const [isFriend, isOpen] = await Promise.all([
        areFriends(conversationId),
        allShowReads([readerId, senderId]),
      ]);
      return { delivered: isFriend, read: isFriend && isOpen };
    },
  };
}
