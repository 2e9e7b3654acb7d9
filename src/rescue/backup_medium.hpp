// Reading what lies on a medium, not what the kernel remembers of it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "salvage/core/bytes.hpp"
#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::rescue {

/// A plain file, read past the page cache where its filesystem can do that; elsewhere the cache is asked to forget it
/// first.  Not thread safe; move-only.
class MediumFile {
public:
    /// `folder`: an open directory that `path` lies beneath.  Errors: as open_beneath.
    [[nodiscard]] static Result<MediumFile> open(int folder, const std::string& path);

    [[nodiscard]] ByteCount size() const noexcept { return size_; }
    /// Gives the bytes of `range` in order, 1 MiB at most at a time, to `take`; fewer than asked where the file ends
    /// before.  Requires: range.start() is a multiple of 4096.  Errors: io, those of `take`.
    Result<> read(ByteRange range, const std::function<Result<>(ByteOffset, ByteView)>& take);
    /// SHA-256 of the range, hex.  Errors: as read().
    [[nodiscard]] Result<std::string> hash(ByteRange range);

private:
    struct Free {
        void operator()(std::byte* memory) const noexcept
        {
            std::free(memory); // NOLINT(cppcoreguidelines-no-malloc): new cannot align to a page on its own
        }
    };
    MediumFile(OwnedDescriptor file, ByteCount size, std::string name);

    OwnedDescriptor file_;
    ByteCount size_;
    std::string name_;
    std::unique_ptr<std::byte, Free> buffer_;
};

} // namespace salvage::rescue
