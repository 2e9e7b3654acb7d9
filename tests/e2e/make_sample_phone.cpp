// Makes a small sample phone for tests that drive the command line from outside: make_sample_phone FOLDER [SEED
// [f2fs]].
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "salvage/core/error.hpp"
#include "salvage/rescue/sample_phone.hpp"

int main(int argc, char** argv)
{
    const bool is_f2fs = argc == 4 && std::string_view{argv[3]} == "f2fs";
    if (argc != 2 && argc != 3 && !is_f2fs) {
        std::fputs("usage: make_sample_phone FOLDER [SEED [f2fs]]\n", stderr);
        return 2;
    }
    salvage::rescue::SamplePhoneSpec spec;
    if (argc >= 3) {
        spec.seed = std::strtoull(argv[2], nullptr, 10);
    }
    spec.secret.kind = salvage::rescue::SampleSecret::Kind::default_password;
    spec.footer.n_log2 = 10; // milliseconds
    if (is_f2fs) {
        spec.content.volume = salvage::rescue::SampleContent::Volume::f2fs;
        spec.userdata_size = salvage::ByteCount{128U << 20U};
    }
    const auto phone = salvage::rescue::build_sample_phone(spec, argv[1], {});
    if (!phone.has_value()) {
        std::fprintf(stderr, "%s\n", to_string(phone.error()).c_str());
        return phone.error().code == salvage::ErrorCode::not_found ? 77 : 1;
    }
    std::printf("%s\n", phone->dump.c_str());
    return 0;
}
