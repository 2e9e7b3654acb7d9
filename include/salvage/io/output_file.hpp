// Files being written: never over what exists, never whole-looking before they are whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::io {

enum class Leftover : std::uint8_t {
    start_over, ///< a "<path>.partial" of an earlier run is emptied
    keep,       ///< it is kept as it is, for a caller who knows how far it is right
};

enum class Existing : bool { refuse, replace };

/// A file under its way: "<path>.partial" until commit() makes it whole under its own name.
///
/// A kill -9 at any moment leaves either nothing, the ".partial", or the whole file.  Not thread safe; move-only.
class OutputFile {
public:
    /// Errors: already_exists (`path` exists: it is never overwritten; or another run is writing it, or its ".partial"
    /// is not ours to write to: a link, a device), io, no_space.
    [[nodiscard]] static Result<OutputFile> create(const std::filesystem::path& path,
                                                   Leftover leftover = Leftover::start_over, unsigned mode = 0644);

    /// Errors: no_space (says how much is missing as far as known), io.
    Result<> write_at(ByteOffset at, ByteView bytes);
    /// Writes only the 4096-byte blocks of `bytes` that are not all zero; the others stay holes.
    /// Requires: the file has no data there yet.
    Result<> write_sparse_at(ByteOffset at, ByteView bytes);
    Result<> set_size(ByteCount size);
    /// Everything so far is on the medium when this returns.
    Result<> flush();
    /// Makes the file whole: flush, rename without replacing, flush the folder.
    /// Errors: already_exists (someone made `path` meanwhile; the ".partial" stays), io, no_space.
    Result<> commit();

    [[nodiscard]] const std::filesystem::path& path() const noexcept;
    [[nodiscard]] const std::filesystem::path& partial_path() const noexcept;
    [[nodiscard]] int descriptor() const noexcept; ///< for copy_file_range and reflinks

    OutputFile(OutputFile&&) noexcept;
    OutputFile& operator=(OutputFile&&) noexcept;
    ~OutputFile(); ///< without commit the ".partial" stays

private:
    friend Result<> write_file_atomically(const std::filesystem::path& path, ByteView bytes, Existing existing,
                                          unsigned mode);
    struct State;
    /// As create(), whether or not `path` exists.
    [[nodiscard]] static Result<OutputFile> open_partial(const std::filesystem::path& path, Leftover leftover,
                                                         unsigned mode);
    Result<> commit_replacing();
    explicit OutputFile(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

/// A whole small file at once, atomically.  Replaces an existing file only with `replace`.
/// Errors: already_exists, io, no_space.
Result<> write_file_atomically(const std::filesystem::path& path, ByteView bytes, Existing existing,
                               unsigned mode = 0644);

} // namespace salvage::io
