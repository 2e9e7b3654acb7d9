// Content that is looked for when it is first read: of many files that are listed few are read, and none all the time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::f2fs {

/// The contents that were read last.  Thread safe.
class OpenedContents {
public:
    using Make = std::function<Result<io::SourcePtr>()>;
    /// The content with this key, made unless it is at hand.  Errors: those of `make`.
    Result<io::SourcePtr> get(std::uint64_t key, const Make& make);

private:
    struct Slot {
        std::uint64_t key{};
        io::SourcePtr content;
    };
    std::mutex mutex_;
    std::array<Slot, 8> slots_;
    std::size_t next_{0};
};

/// `make` gives a source of `size` bytes whenever it is asked, the same each time.
[[nodiscard]] io::SourcePtr make_late(std::shared_ptr<OpenedContents> opened, std::uint64_t key, ByteCount size,
                                      std::string name, OpenedContents::Make make);

} // namespace salvage::filesystem::f2fs
