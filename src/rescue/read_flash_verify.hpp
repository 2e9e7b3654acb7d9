// Reading a device a second time and comparing.
#pragma once

#include "rescue/read_flash_engine.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::rescue {

/// A comparison with a file that was read.  The map says what came a second time and was equal.
class Comparison final : public ReadTarget {
public:
    /// Errors: io.
    [[nodiscard]] static Result<std::unique_ptr<Comparison>> open(const std::filesystem::path& file);

    [[nodiscard]] io::RescueMap& map() noexcept override { return map_; }
    /// Errors: mismatch (where = the first byte that differs), io.
    Result<> put(ByteOffset at, ByteView bytes) override;
    Result<> drain() override { return {}; }
    Result<> checkpoint(const io::MapState& /*state*/) override { return {}; }

private:
    Comparison(io::SourcePtr file, std::filesystem::path path)
        : file_{std::move(file)}, path_{std::move(path)}, map_{file_->size()}
    {
    }

    io::SourcePtr file_;
    std::filesystem::path path_;
    io::RescueMap map_;
    Bytes buffer_;
};

} // namespace salvage::rescue
