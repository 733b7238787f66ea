export const WORDS = {
  actAs: "You act as",
  nobody: "Nobody (look only)",
  signIn: "Sign in",
  signOut: "Sign out",
  role: (name: string, role: string) => `${name} (${role})`,
};
