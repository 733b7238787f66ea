export const WORDS = {
  actAs: "You act as",
  nobody: "Nobody (look only)",
  role: (name: string, role: string) => `${name} (${role})`,
};
