export const WORDS = {
  none: "No file yet",
  noneText: "The model and what else the job writes appear here as soon as they are there.",
  files: (total: number, size: string) => `${total === 1 ? "1 file" : `${total} files`}, ${size}`,
  file: "File",
  size: "Size",
  save: (path: string) => `Download ${path}`,
};
